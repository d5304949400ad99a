/**
 * What the compiler's own checks call instead of `env.abort`, which no proxy has. INVARIANT: unreachable, the filter
 * never throws and never indexes a managed object; it allocates nothing, so it cannot call itself.
 */
export function abortFilter(_message: usize, _file: usize, _line: u32, _column: u32): void {
  unreachable();
}
