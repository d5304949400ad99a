import type { Struct, Value } from "./messages.ts";

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * A JSON object as `google.protobuf.Struct`. Numbers must be finite, or Envoy refuses the message: others become their
 * name as text.
 */
export function struct(object: { readonly [name: string]: Json }): Struct {
  const fields: Record<string, Value> = Object.create(null);
  for (const [name, value] of Object.entries(object)) fields[name] = toValue(value);
  return { fields };
}

function toValue(json: Json): Value {
  if (json === null) return { nullValue: 0 };
  if (typeof json === "string") return { stringValue: json };
  if (typeof json === "number")
    return Number.isFinite(json) ? { numberValue: json } : { stringValue: String(json) };
  if (typeof json === "boolean") return { boolValue: json };
  if (isList(json)) return { listValue: { values: json.map(toValue) } };
  return { structValue: struct(json) };
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(json: readonly Json[] | { readonly [name: string]: Json }): json is readonly Json[] {
  return Array.isArray(json);
}
