/** Arguments and results of Kong's functions as messages of ProtoBuf:1. */
import { Buffer } from "node:buffer";
import type { KongFunction, KongMethods, KongStruct, KongValue, RawBody } from "../../../proto/kong/index.ts";

/** @throws for a function that is not declared */
export function encodeArguments(kong: KongMethods, method: string, args: readonly unknown[]): Uint8Array {
  const called = functionOf(kong, method);
  return called.requestSerialize(argumentOf(called.argument, args));
}

/** @throws when it cannot be read */
export function decodeResult(kong: KongMethods, method: string, bytes: Uint8Array): unknown {
  const called = functionOf(kong, method);
  return resultOf(called.result, called.responseDeserialize(Buffer.from(bytes)));
}

function functionOf(kong: KongMethods, method: string): KongFunction {
  const called = kong.functions.get(method);
  if (called === undefined) throw new Error(`\`${method}\` is not declared for ProtoBuf:1`);
  return called;
}

function argumentOf(type: string, [first, second, third]: readonly unknown[]): object {
  switch (type) {
    case "Empty":
      return {};
    case "Text":
      return { v: Buffer.from(String(first)) };
    case "Int":
      return { v: first };
    case "KeyValue":
      return { k: first, v: toValue(second) };
    case "Struct":
      return toStruct(first as object);
    case "ExitArgs":
      return { status: first, body: Buffer.from(String(second)), headers: toStruct(third as object) };
    default:
      throw new Error(`no argument is a ${type}`);
  }
}

function toValue(value: unknown): KongValue {
  if (typeof value === "string") return { string_value: Buffer.from(value) };
  if (typeof value === "number") return { number_value: value };
  if (typeof value === "boolean") return { bool_value: value };
  if (value === null || value === undefined) return { null_value: 0 };
  return { struct_value: toStruct(value) };
}

function toStruct(object: object): KongStruct {
  return {
    fields: Object.fromEntries(Object.entries(object).map(([name, value]) => [name, toValue(value)])),
  };
}

/** What is not on the wire is Lua's nil, or the empty text, or 0: nobody can tell, and `undefined` says so. */
function resultOf(type: string, message: object): unknown {
  switch (type) {
    case "Empty":
      return undefined;
    case "Text":
    case "Int":
    case "Number":
      return (message as { readonly v?: unknown }).v;
    case "Consumer":
    case "Credential":
    case "Route":
    case "Service":
      return message;
    case "Value":
      return fromValue(message);
    case "Struct":
      return fromStruct(message);
    case "RawBody": {
      const { content, body_filepath, error } = message as RawBody;
      // Of the three only the content can be empty (pb_rpc.lua), and some encoders leave out what is.
      if (body_filepath !== undefined || error !== undefined) return undefined;
      return content ?? new Uint8Array(0);
    }
    default:
      throw new Error(`no result is a ${type}`);
  }
}

function fromValue(value: KongValue): unknown {
  if (value.struct_value !== undefined) return fromStruct(value.struct_value);
  if (value.list_value !== undefined) return (value.list_value.values ?? []).map(fromValue);
  return value.string_value ?? value.number_value ?? value.bool_value;
}

function fromStruct(struct: KongStruct): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(struct.fields ?? {}).map(([name, value]) => [name, fromValue(value)]),
  );
}
