const secretParameter = /token|sig|secret|password|credential|key|auth/i;

/** A URL that may stand in an error: no user, no password, no signed or secret query values. */
export function redactUrl(url: URL | string): string {
  const parsed = typeof url === 'string' ? parseUrl(url) : new URL(url);
  if (parsed === undefined) return '(not a URL)';
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  for (const name of new Set(parsed.searchParams.keys())) {
    if (secretParameter.test(name)) parsed.searchParams.set(name, '…');
  }
  // Never decoded: a %0A in a hostile redirect would become a line of its own in a log.
  return parsed.href.replaceAll(encodeURIComponent('…'), '…');
}

export function parseUrl(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
}
