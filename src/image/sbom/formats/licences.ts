/** The licences of the SPDX list that packages name most; others are kept as the package wrote them. */
const listed = new Set(
  `0BSD AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-1.0-Perl Artistic-2.0 BlueOak-1.0.0 BSD-2-Clause
  BSD-3-Clause BSD-3-Clause-Clear BSL-1.0 CC-BY-3.0 CC-BY-4.0 CC0-1.0 CDDL-1.0 CPL-1.0 curl EPL-1.0 EPL-2.0 FTL
  GPL-1.0-only GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later ICU ISC LGPL-2.0-only
  LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MPL-1.1 MPL-2.0
  OpenSSL OLDAP-2.8 PSF-2.0 Python-2.0 Ruby Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 Zlib ZPL-2.1`.split(
    /\s+/,
  ),
);

export interface DeclaredLicence {
  /** An SPDX licence expression. */
  readonly expression: string;
  /** Identifiers that the expression needs explained, with what the package wrote. */
  readonly references: ReadonlyMap<string, string>;
}

/** What a package declares, as an expression that is valid whatever was written (SPDX 2.3, annex D). */
export function declareLicences(licences: readonly string[]): DeclaredLicence {
  const references = new Map<string, string>();
  const terms = licences.map(text => {
    if (isExpression(text)) return licences.length > 1 && text.includes(' ') ? `(${text})` : text;
    const id = `LicenseRef-${
      text
        .replace(/[^A-Za-z0-9.-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 100) || 'other'
    }`;
    references.set(id, text);
    return id;
  });
  return { expression: terms.length === 0 ? 'NOASSERTION' : terms.join(' AND '), references };
}

/** Listed identifiers between AND and OR; parentheses and exceptions are left to those who check expressions. */
export function isExpression(text: string): boolean {
  const words = text.split(' ');
  return (
    words.length % 2 === 1 &&
    words.every((word, at) => (at % 2 === 0 ? listed.has(word) : word === 'AND' || word === 'OR'))
  );
}
