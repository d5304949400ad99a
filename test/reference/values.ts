/** What a slot holds, as the language sees it: no bytes of a bundle, no cells, just states and values. */

/** An IP address or network: 4 bytes for v4 (v4-mapped addresses are v4), 16 for v6. An address has all its bits as prefix. */
export interface Address {
  readonly bytes: readonly number[];
  readonly prefix: number;
}

/**
 * A present value. Strings are well-formed, so that comparing code units and comparing UTF-8 bytes agree.
 * An enum is its member's name; `resource.type` is "" when no resource matches, which equals no declared name.
 */
export type Content = string | number | boolean | Address | readonly Value[] | ReadonlyMap<string, Value>;

export type Value =
  | { readonly state: "absent" | "invalid" }
  | { readonly state: "present"; readonly value: Content };

/**
 * A value for every attribute and built-in by dotted name, before defaults; a name that is not in it is absent.
 * A field that is not in a record's map is absent.
 */
export type Valuation = ReadonlyMap<string, Value>;

export const ABSENT: Value = { state: "absent" };
export const INVALID: Value = { state: "invalid" };

export function present(value: Content): Value {
  return { state: "present", value };
}
