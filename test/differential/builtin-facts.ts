/** What a host says of the built-ins that are not made from method, target or headers. */
import { type Fact, type Text, undelivered } from "../../core/request/neutral.ts";
import { ABSENT, INVALID, present, type Value } from "../reference/values.ts";
import { bytesOf } from "./facts.ts";
import { ADDRESSES, DATETIMES } from "./pools.ts";
import type { Random } from "./random.ts";

export type BuiltinFacts = ReadonlyMap<
  string,
  { readonly fact: Fact<Text | number | boolean>; readonly value: Value }
>;

type Option = readonly [Fact<Text | number | boolean>, Value];

const ENDS: readonly Option[] = [
  [undefined, ABSENT],
  [undelivered, INVALID],
];
const NOT_UTF8: Option = [Uint8Array.of(0xff), INVALID];
const TEXTS: readonly Option[] = [
  ...["a", "ab", "low"].map((text): Option => [text, present(text)]),
  ...["a", "é"].map((text): Option => [bytesOf(text), present(text)]),
  ...ENDS,
  NOT_UTF8,
];
const TEXTS_ABSENT_WHEN_EMPTY: readonly Option[] = [...TEXTS, ["", ABSENT]];
const SERVER_NAMES: readonly Option[] = [
  ...TEXTS_ABSENT_WHEN_EMPTY,
  ["AB", present("ab")],
  [bytesOf("Éa"), present("Éa")],
];
const HOSTS: readonly Option[] = [
  ["a", present("a")],
  ["ab", present("ab")],
  ["A.:8080", present("a")],
  ["AB:", present("ab")],
  [bytesOf("a."), present("a")],
  ["[::1]:443", present("[::1]")],
  ["", INVALID],
  ["a..b", INVALID],
  ["a:99999", INVALID],
  ["a/b", INVALID],
  ...ENDS,
];
const SIZES: readonly Option[] = [
  ...[0, 1, 3, 9007199254740991].map((n): Option => [n, present(n)]),
  ...ENDS,
];
const TIMES: readonly Option[] = [
  ...DATETIMES.map(({ ms }): Option => (ms < 0 ? [ms, INVALID] : [ms, present(ms)])),
  ...ENDS,
  [0.5, INVALID],
];
const PORTS: readonly Option[] = [
  ...[0, 1, 7, 65535].map((n): Option => [n, present(n)]),
  ...ENDS,
  [65536, INVALID],
];
const PEER_ADDRESSES: readonly Option[] = [
  ...ADDRESSES.map((a): Option => [a.text, present(a.address)]),
  ...ENDS,
  ["10.0.0.1:80", INVALID],
  ["", INVALID],
];
const BOOLS: readonly Option[] = [[true, present(true)], [false, present(false)], ...ENDS];

const BUILTIN_OPTIONS: readonly (readonly [string, readonly Option[]])[] = [
  ["request.scheme", TEXTS],
  ["request.protocol", TEXTS],
  ["request.host", HOSTS],
  ["request.size", SIZES],
  ["request.time", TIMES],
  ["source.ip", PEER_ADDRESSES],
  ["source.port", PORTS],
  ["source.principal", TEXTS_ABSENT_WHEN_EMPTY],
  ["destination.ip", PEER_ADDRESSES],
  ["destination.port", PORTS],
  ["destination.principal", TEXTS_ABSENT_WHEN_EMPTY],
  ["connection.mtls", BOOLS],
  ["connection.requested_server_name", SERVER_NAMES],
  ["connection.tls_version", TEXTS_ABSENT_WHEN_EMPTY],
  ["connection.subject_peer_certificate", TEXTS_ABSENT_WHEN_EMPTY],
  ["connection.uri_san_peer_certificate", TEXTS_ABSENT_WHEN_EMPTY],
  ["connection.dns_san_peer_certificate", TEXTS_ABSENT_WHEN_EMPTY],
  ["connection.sha256_peer_certificate_digest", TEXTS_ABSENT_WHEN_EMPTY],
];

export function builtinFacts(random: Random): BuiltinFacts {
  return new Map(
    BUILTIN_OPTIONS.map(([name, options]) => {
      const [fact, value] = random.pick(options);
      return [name, { fact, value }];
    }),
  );
}
