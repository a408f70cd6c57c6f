import { expect, it } from 'vitest';
import { float32, type NDArray } from '../arrays/array.js';
import { type AnyArray, DeviceArray } from '../arrays/device-array.js';
import { disposeArrays, place, placedOnce } from '../compile/place.js';
import { describeOnDevices } from './devices.js';

describeOnDevices('arrays that are placed once', (device) => {
  const tree = () => ({ a: float32([2], [1, 2]), b: { c: float32([1], [3]) } });
  const valuesOf = async (array: AnyArray) =>
    Array.from((array instanceof DeviceArray ? await array.read() : array).data);

  it('are the same at each call, and copies that end with them', async () => {
    const given = tree();
    const once = placedOnce<{ a: AnyArray; b: { c: AnyArray } }>(given, device);
    const [first, second] = await Promise.all([once.get(), once.get()]);
    expect(second.a, 'place of a').toBe(first.a);
    expect(await valuesOf(first.b.c)).toEqual([3]);
    once.dispose();
    await Promise.resolve();
    if (first.a instanceof DeviceArray)
      await expect(first.a.read()).rejects.toMatchObject({ code: 'disposed' });
    else expect(first.a, 'place of a').toBe(given.a);
    expect(await valuesOf(given.a)).toEqual([1, 2]);
    // They are copied again where they are needed again.
    expect(await valuesOf((await once.get()).a)).toEqual([1, 2]);
    once.dispose();
  });

  it('are left alone where somebody else had placed them', async () => {
    const there = await place<{ a: NDArray | AnyArray }>({ a: float32([2], [1, 2]) }, device);
    const once = placedOnce(there, device);
    expect((await once.get()).a).toBe(there.a);
    once.dispose();
    await Promise.resolve();
    expect(await valuesOf(there.a)).toEqual([1, 2]);
    disposeArrays(there);
    if (there.a instanceof DeviceArray)
      await expect(there.a.read()).rejects.toMatchObject({ code: 'disposed' });
  });
});
