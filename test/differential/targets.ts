/** Paths of requests and what the resources of schema.ts make of them. */
import { type Fact, type Text, undelivered } from "../../core/request/neutral.ts";

export interface Target {
  readonly path: Fact<Text>;
  /** Is the path one that docs/request.md accepts? */
  readonly valid: boolean;
  /** Name of the resource that a method and this path match; "" where none does. */
  resource(method: string): string;
  /** Decoded captures by resource. */
  readonly captures: Readonly<Record<string, Readonly<Record<string, string>>>>;
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
