import { escapeForTerminal } from './escape.ts';

/** Controls are not XML; they are shown as what they are. */
function printable(text: string): string {
  return escapeForTerminal(text).replace(/[\uD800-\uDFFF\uFFFE\uFFFF]/gu, '\uFFFD');
}

/** For an attribute in double quotes. */
export function quoteXml(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll('\n', '&#xA;')
    .replaceAll('\t', '&#x9;');
}

export function writeCdata(text: string): string {
  return `<![CDATA[${printable(text).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
}
