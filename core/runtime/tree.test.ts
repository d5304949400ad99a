import { expect, test } from "vitest";
import { engineOf } from "../../test/engine.ts";
import { parseNeutralRequest } from "../index.ts";

const POLICY = `type Item:
  id: string
attributes
  items: list of item: Item trusted from body "/items"
  tags: list of string trusted from body "/tags"
policy Case:
  requires `;

function countsOf(condition: string, body: unknown): unknown[] {
  const { engine } = engineOf(`${POLICY}${condition}\n`);
  const read = parseNeutralRequest({ request: { body } });
  if (!read.ok) throw new Error("the case is broken");
  const seen: unknown[] = [];
  const walk = (tree: { counts: readonly unknown[]; children: readonly unknown[] }): void => {
    seen.push(...tree.counts);
    for (const child of tree.children) walk(child as typeof tree);
  };
  walk(engine.trees(read.request, "Case")!.requirement!);
  return seen;
}

const exactly = (count: number) => ({ least: count, most: count });

test.each<[string, unknown, unknown[]]>([
  ["tags.count == 2", { tags: ["a", "b"] }, [exactly(2)]],
  ["tags.count == 2", { tags: ["a", null, 7] }, [{ least: 1, most: 3 }]],
  ["tags.count == 2", {}, [null]],
  [
    'items.count >= 2 where item.id == "a"',
    { items: [{ id: "a" }, { id: "b" }, {}] },
    [{ least: 1, most: 2 }],
  ],
  ["not (items.count < tags.count)", { items: [{ id: "a" }], tags: [] }, [exactly(1), exactly(0)]],
  [
    'count(items where tags contains item.id) > 0 or tags.count > count(items where item.id == "b")',
    { items: [{ id: "a" }, { id: "b" }, { id: "b" }], tags: [] },
    [exactly(0), exactly(0), exactly(2)],
  ],
  ['any(items where item.id == "a") and items.count == 0', { items: [] }, [exactly(0)]],
])("what %s counts in %j", (condition, body, want) => {
  expect(countsOf(condition, body)).toEqual(want);
});
