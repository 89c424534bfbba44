const cve = /^CVE-\d{4}-\d{4,}$/;

/** Advisories of distributors: one of them covers several vulnerabilities, so it never is another name of one. */
const bundle =
  /^(?:ALAS\d*|ELSA|RH[SBE]A|AL[SBE]A|RLSA|USN|DSA|DLA|DTSA|SUSE-(?:SU|RU|FU|OU)|openSUSE-(?:SU|RU)|CLSA|PHSA|MGASA|FEDORA|CESA|RXSA|OESA|AZL|UBUNTU-USN)-/i;

export function isCve(id: string): boolean {
  return cve.test(id);
}

export function isBundle(id: string): boolean {
  return bundle.test(id);
}

/** The name of a cluster: its lowest CVE, else the first GHSA, else the first of the rest. */
export function canonicalId(ids: readonly string[]): string {
  const sorted = [...new Set(ids)].sort(compareIds);
  return sorted.find(isCve) ?? sorted.find(id => id.startsWith('GHSA-')) ?? sorted[0] ?? '';
}

/** CVEs by year and number, everything else by its text. */
export function compareIds(a: string, b: string): number {
  if (isCve(a) && isCve(b)) {
    const [left, right] = [a.slice(4).split('-').map(Number), b.slice(4).split('-').map(Number)];
    return (left[0] ?? 0) - (right[0] ?? 0) || (left[1] ?? 0) - (right[1] ?? 0);
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
