/** Takes the next element of a list that is known to have one. */
export function taken<T>(elements: Iterator<T>): T {
  const { done, value } = elements.next();
  if (done === true) throw new RangeError('there is no further element');
  return value;
}
