/** Takes out what must never be printed: tokens, identity tokens, passwords in URLs, private keys. */
export function redact(text: string): string {
  return patterns.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[private key]'],
  [/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?/g, '[token]'],
  [/\b(Bearer|Basic|token)\s+[A-Za-z0-9._~+/=-]{8,}/gi, '$1 [hidden]'],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi, '$1[hidden]@'],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|glcbt-|dckr_pat_|npm_)[A-Za-z0-9_-]{6,}/g, '[token]'],
  [
    /([?&](?:[a-z_-]*(?:token|password|secret|signature|credential|key)|sig|x-amz-[a-z-]+)=)[^&\s"']+/gi,
    '$1[hidden]',
  ],
  [/\b((?:password|passwd|secret|token|api_?key)["']?\s*[:=]\s*["']?)[^\s"'&,;]{4,}/gi, '$1[hidden]'],
];
