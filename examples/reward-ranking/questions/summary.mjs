import { difference, estimate } from '@gram-examples/common/estimates';

/**
 * Puts the seeds of each setting together: its accuracy, and how it differs from the setting that it is compared with, pair by
 * pair and seed by seed.
 *
 * @param asked of `askedOf`
 * @param resultOf gives the result of a stage
 */
export function summarize(asked, resultOf) {
  const correctOf = ({ tests }, split) => tests.map((test) => resultOf(test[split]).correct);
  return asked.map(({ settings, ...question }) => ({
    ...question,
    settings: settings.map(({ tests, ...setting }) => {
      const other = settings.find(({ name }) => name === setting.against);
      const found = Object.keys(tests[0]).map((split) => {
        const own = correctOf({ tests }, split);
        return [
          split,
          { ...estimate(own), ...(other && { gain: difference(own, correctOf(other, split)) }) },
        ];
      });
      return { ...setting, ...Object.fromEntries(found) };
    }),
  }));
}
