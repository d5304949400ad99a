/** Paths of requests and what the resources of schema.ts make of them. */
import type { PathMode } from "../../core/index.ts";
import { type Fact, type Text, undelivered } from "../../core/request/neutral.ts";
import { judgedPath } from "../reference/paths.ts";
import type { Random } from "./random.ts";

export interface Target {
  readonly path: Fact<Text>;
  /** What `normalize` makes of it, where that is another. */
  readonly judged?: string;
  /** Is the path one that docs/request.md accepts? */
  readonly valid: boolean;
  /** Name of the resource that a method and this path match; "" where none does. */
  resource(method: string): string;
  /** Decoded captures by resource. */
  readonly captures: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The target in a bundle's mode, often in a spelling of its own that the mode judges as the same path. */
export function targetIn(mode: PathMode, target: Target, random: Random): Target {
  if (mode === "reject" || typeof target.path !== "string") return target;
  const spelled = target.valid && random.chance(60) ? respelled(target.path, random) : target.path;
  const judged = judgedPath(spelled, mode);
  if (judged === null) return invalid(spelled);
  const plain = target.valid ? judgedPath(target.path, mode) : null;
  if (plain !== null && judged === plain) return { ...target, path: spelled, judged };
  // What the mode reads in a way of its own has vectors (test/conformance/vectors/normalize).
  return target.valid && plain !== null ? { ...target, judged: plain } : none("/nothing/here");
}

/** The path with something in it that some mode takes away, or none. */
function respelled(path: string, random: Random): string {
  const slashes = [...path].flatMap((character, i) => (character === "/" ? [i] : []));
  const at = random.pick(slashes);
  const put = random.pick([
    ...[
      "//",
      "/./",
      "/x/../",
      "/%2e/",
      "/x/%2E%2e/",
      "\\",
      "%2F",
      "%5c",
      "/x//../",
      "/;/",
      "/../",
      "/%41/.%2e/",
    ],
  ]);
  return path.slice(0, at) + put + path.slice(at + 1);
}

function order(path: string, id: string): Target {
  return { path, valid: true, resource: () => "Order", captures: { Order: { order_id: id } } };
}

function none(path: string): Target {
  return { path, valid: true, resource: () => "", captures: {} };
}

function invalid(path: Fact<Text>): Target {
  return { path, valid: false, resource: () => "", captures: {} };
}

function deployment(path: string): Target {
  return { path, valid: true, resource: (method) => (method === "POST" ? "Deployment" : ""), captures: {} };
}

function item(path: string, id: string, name: string): Target {
  return {
    path,
    valid: true,
    resource: (method) => (method === "GET" ? "Item" : ""),
    captures: { Item: { order_id: id, item: name } },
  };
}

function file(path: string): Target {
  return { path, valid: true, resource: () => "File", captures: {} };
}

function log(path: string, name: string): Target {
  return {
    path,
    valid: true,
    resource: (method) => (method === "GET" ? "Log" : ""),
    captures: { Log: { item: name } },
  };
}

/** `other`: what matches with other methods than POST. */
function deep(path: string, id: string, other: "" | "File"): Target {
  return {
    path,
    valid: true,
    resource: (method) => (other === "" && method === "POST" ? "Deep" : other),
    captures: { Deep: { order_id: id } },
  };
}

export const TARGETS: readonly Target[] = [
  order("/orders/7", "7"),
  order("/orders/ab/", "ab"),
  order("/%6frders/a%20b", "a b"),
  order("/orders/%C3%A9", "é"),
  order("/orders/01", "01"),
  deployment("/deployments"),
  deployment("/deployments/"),
  item("/orders/2/items/3", "2", "3"),
  item("/orders/a/items/b/", "a", "b"),
  file("/files/a"),
  file("/files/%C3%A9/b/c/"),
  // A literal at the left comes before what stands behind it.
  deep("/files/a/deep/1", "1", "File"),
  file("/files/a/b/log"),
  log("/x/1/log", "1"),
  log("/x/a%20b/c/d/log/log/", "a b"),
  log("/x/log/log", "log"),
  none("/x/log"),
  none("/x/1/logs"),
  deep("/deep/7", "7", ""),
  deep("/a/b/c/deep/%C3%A9", "é", ""),
  deep("/deep/deep/deep", "deep", ""),
  none("/deep/7/8"),
  none("/"),
  none("/a"),
  none("/orders"),
  none("/Orders/7"),
  none("/orders/7/items"),
  invalid(undefined),
  invalid(undelivered),
  invalid("*"),
  invalid("orders/7"),
  invalid("/orders//"),
  invalid("/orders/../a"),
  invalid("/orders/%2E"),
  invalid("/orders/a%2fb"),
  invalid("/orders/a;b"),
  invalid("/orders/%zz"),
  invalid("/orders/%ff"),
  invalid("/orders/é"),
  invalid("/a#b"),
];
