import { createHash } from 'node:crypto';

/**
 * Builds the Content-Security-Policy of a page that talks to its own server: nothing runs, styles or is reached but what is
 * named here, whatever ends up on the page.
 *
 * @param allowed contents of the `<script>` and `<style>` elements of the page, each of which is allowed by its hash
 * @returns the value of the header
 *
 * @example
 * ```ts
 * response.setHeader('content-security-policy', pagePolicy({ scripts: [script], styles: [pageStyle] }));
 * ```
 */
export function pagePolicy({
  scripts,
  styles,
}: {
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
}): string {
  const hashes = (texts: readonly string[]) => texts.map(hashSource).join(' ');
  return [
    "default-src 'none'",
    `script-src ${hashes(scripts)}`,
    `style-src ${hashes(styles)}`,
    "connect-src 'self'",
    // The empty icon of the page, without which a browser asks for /favicon.ico.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
