// @ts-check
// What a worker runs that is to hear nothing from then on. It sleeps: a loop would take the time of
// the tests beside it.
export const HANG = `{
  const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  Atomics.wait(new Int32Array(buffer), 0, 0);
}`;
