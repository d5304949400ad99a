/** Faults against rules 16 and 17: explain trees, and the use of routines. */
import { NONE } from "../../../core/bytecode/gen/constants.ts";
import { instruction } from "../sample.ts";
import { type Fault, STRINGS, TEXTS } from "./fault.ts";

export const EXPLAIN: readonly Fault[] = [
  ["a row too few", (m) => void m.rows.pop(), "explain: 2 rows for 3 policies"],
  [
    "a condition without tree",
    (m) => {
      m.rows[1]!.trigger = NONE;
    },
    "explain policy 1: a condition without its tree",
  ],
  [
    "a tree without condition",
    (m) => {
      m.rows[2]!.trigger = 2;
    },
    "explain policy 2: a tree without its condition",
  ],
  [
    "root",
    (m) => {
      m.rows[1]!.trigger = 6;
    },
    "explain policy 1: node 6 does not exist, there are 6",
  ],
  [
    "root of two trees",
    (m) => {
      m.rows[1]!.trigger = 1;
    },
    "explain node 1: it has two parents",
  ],
  [
    "root that is a child",
    (m) => {
      m.rows[1]!.trigger = 3;
    },
    "explain node 3: it has two parents",
  ],
  [
    "node of no tree",
    (m) => void m.nodes.push({ ...m.nodes[5]!, firstRead: 5, reads: 0 }),
    "explain node 6: it belongs to no tree",
  ],
  [
    "child of two nodes",
    (m) => {
      m.nodes[0]!.children = 3;
    },
    "explain node 5: it has two parents",
  ],
  [
    "children in front",
    (m) => {
      m.nodes[4]!.firstChild = 3;
    },
    "explain node 4: its first child 3 does not stand behind it",
  ],
  [
    "child of itself",
    (m) => {
      m.nodes[4]!.firstChild = 4;
    },
    "explain node 4: its first child 4 does not stand behind it",
  ],
  [
    "children past the end",
    (m) => {
      m.nodes[0]!.children = 4;
    },
    "explain node 0: its children end at 7, there are 6 nodes",
  ],
  [
    "unknown node kind",
    (m) => {
      m.nodes[0]!.kind = 4;
    },
    "explain node 0: unknown kind 4",
  ],
  [
    "leaf with children",
    (m) => {
      m.nodes[3]!.children = 1;
    },
    "explain node 3: a leaf with 1 children",
  ],
  [
    "leaf with a first child",
    (m) => {
      m.nodes[3]!.firstChild = 4;
    },
    "explain node 3: a leaf whose first child is 4, not 0",
  ],
  [
    "leaf without routine",
    (m) => {
      m.nodes[3]!.routine = NONE;
    },
    "explain node 3: a leaf without a routine",
  ],
  [
    "and with routine",
    (m) => {
      m.nodes[0]!.routine = 3;
    },
    "explain node 0: `and` with a routine",
  ],
  [
    "not with routine",
    (m) => {
      m.nodes[4]!.routine = 3;
    },
    "explain node 4: `not` with a routine",
  ],
  [
    "routine of a leaf",
    (m) => {
      m.nodes[3]!.routine = 7;
    },
    "explain node 3: routine 7 does not exist, there are 7",
  ],
  [
    "and of one",
    (m) => {
      m.nodes[0]!.children = 1;
    },
    "explain node 0: `and` with 1 children",
  ],
  [
    "or of none",
    (m) => void Object.assign(m.nodes[0]!, { kind: 2, children: 0 }),
    "explain node 0: `or` with 0 children",
  ],
  [
    "not of two",
    (m) => {
      m.nodes[4]!.children = 2;
    },
    "explain node 4: `not` with 2 children",
  ],
  [
    "leaf without text",
    (m) => {
      m.nodes[3]!.text = NONE;
    },
    "explain node 3: a `leaf` without a text",
  ],
  [
    "not without text",
    (m) => {
      m.nodes[4]!.text = NONE;
    },
    "explain node 4: a `not` without a text",
  ],
  [
    "and with text",
    (m) => {
      m.nodes[0]!.text = 0;
    },
    "explain node 0: `and` with a text",
  ],
  [
    "text of a node",
    (m) => {
      m.nodes[3]!.text = TEXTS;
    },
    `explain node 3: text ${TEXTS} does not exist, there are ${TEXTS}`,
  ],
  [
    "line 0",
    (m) => {
      m.nodes[3]!.line = 0;
    },
    "explain node 3: a `leaf` at line 0, column 5",
  ],
  [
    "column 0",
    (m) => {
      m.nodes[4]!.column = 0;
    },
    "explain node 4: a `not` at line 3, column 0",
  ],
  [
    "line of an and",
    (m) => {
      m.nodes[0]!.line = 1;
    },
    "explain node 0: a `and` at line 1, column 0",
  ],
  [
    "column of an and",
    (m) => {
      m.nodes[0]!.column = 1;
    },
    "explain node 0: a `and` at line 0, column 1",
  ],
  [
    "reads of an and",
    (m) => {
      m.nodes[0]!.reads = 1;
      m.nodes[1]!.firstRead = 1;
      m.nodes[1]!.reads = 0;
    },
    "explain node 0: `and` with reads",
  ],
  [
    "read range with a gap",
    (m) => {
      m.nodes[2]!.firstRead = 0;
    },
    "explain node 2: its explain read range starts at 0, not where the one before ends, at 1",
  ],
  ["reads of no node", (m) => void m.reads.push({ cell: 0, name: 0 }), "explain read 5: no entry uses it"],
  [
    "cell of a read",
    (m) => {
      m.reads[0]!.cell = 23;
    },
    "explain read 0: cell 23 does not exist, there are 23",
  ],
  [
    "name of a read",
    (m) => {
      m.reads[0]!.name = STRINGS;
    },
    `explain read 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "conditions nested too deep",
    (m) => {
      const last = m.nodes.pop()!;
      for (let i = 0; i < 1030; i++)
        m.nodes.push({ ...m.nodes[4]!, firstChild: m.nodes.length + 1, firstRead: 4, reads: 0 });
      m.nodes.push(last);
    },
    "explain node 11: conditions nested deeper than 1024",
  ],
  [
    "routine without use",
    (m) => {
      m.nodes[3]!.routine = 6;
    },
    "code routine 5: nothing uses it",
  ],
  [
    "more code of no use",
    (m) => {
      m.routines.push(1);
      m.code.push(instruction("ACCEPT"));
    },
    "code routine 7: nothing uses it",
  ],
];
