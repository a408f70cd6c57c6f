import { DataError } from '../error.js';

/** Characters of a text that are looked at. */
const PROBE = 2000;

/** Tells the language of a text as its code (ISO 639-1, as `en`); undefined where there is too little to tell, as in code. */
export type LanguageDetector = (text: string) => string | undefined;

/**
 * Loads the detector of languages, the only place that knows the library (Nito-ELD, 60 languages). It is larger than everything
 * else here, so it is installed by those who use it.
 *
 * @throws {DataError} `language-detector-missing`
 */
export async function loadLanguageDetector(): Promise<LanguageDetector> {
  const { eld } = await import('eld/small').catch((cause: unknown) => {
    throw new DataError(
      'language-detector-missing',
      'languages are told by the package eld, which is not installed',
      'install it: npm install eld',
      { cause },
    );
  });
  return (text) => {
    const found = eld.detect(text.slice(0, PROBE));
    return found.language !== '' && found.isReliable() ? found.language : undefined;
  };
}
