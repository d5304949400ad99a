/** What a good bundle becomes. */
import { describe, expect, it } from "vitest";
import { ROUTINE } from "../../test/bytecode/faults/index.ts";
import { writeModel } from "../../test/bytecode/model.ts";
import {
  CELLS,
  instruction,
  sample,
  setRoutine,
  settle,
  string,
  testRoutine,
} from "../../test/bytecode/sample.ts";
import { decode } from "./decode.ts";
import { TABLE_END } from "./digest.ts";
import { NONE } from "./gen/constants.ts";
import type { Program } from "./program.ts";

function accepted(bytes: Uint8Array): Program {
  const decoded = decode(bytes);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.program;
}

describe("what is accepted", () => {
  it("two counts, one of them with a body that counts", () => {
    const model = sample();
    setRoutine(model, ROUTINE, [
      instruction("COUNT", { a: CELLS.tags }),
      instruction("COUNT", { a: CELLS.approvals, b: 4, register: 1 }),
      instruction("COUNT", { frameA: 1, a: 3 }),
      ...testRoutine("EQ_COUNT"),
      ...testRoutine("LT_COUNTS"),
    ]);
    expect(decode(writeModel(settle(model)))).toMatchObject({ ok: true });
  });

  it("a jump to the first of two counts", () => {
    const model = sample();
    setRoutine(model, ROUTINE, [
      instruction("CONSTANT", { jump: 1 }),
      instruction("COUNT", { a: CELLS.tags }),
      ...testRoutine("EQ_COUNT"),
    ]);
    expect(decode(writeModel(settle(model)))).toMatchObject({ ok: true });
  });

  it("a pointer to the whole body", () => {
    const model = sample();
    model.slots[2]!.argument = string(model, "");
    expect(decode(writeModel(model))).toMatchObject({ ok: true });
  });

  it("a bundle of nothing", () => {
    const model = sample();
    for (const list of Object.values(model)) if (Array.isArray(list)) list.length = 0;
    model.strings.push(new TextEncoder().encode("resource"));
    model.enums.push({ name: 0, ordered: 0, first: 0, count: 0 });
    const program = accepted(writeModel(settle(model)));
    expect([...program.policies]).toEqual([]);
    expect(program).toMatchObject({
      slots: [],
      cellCount: 0,
      readsBody: false,
      defaultAllow: false,
      headerNames: [],
      removedNames: [],
    });
  });

  it("a policy that reads nothing", () => {
    const model = sample();
    for (const list of Object.values(model)) if (Array.isArray(list)) list.length = 0;
    model.strings.push(...["resource", "Always"].map((text) => new TextEncoder().encode(text)));
    model.texts.push(new TextEncoder().encode("true"));
    model.enums.push({ name: 0, ordered: 0, first: 0, count: 0 });
    setRoutine(model, 0, testRoutine("CONSTANT", { b: 1 }));
    const policy = { ...sample().policies[1]!, name: 1, kind: 0, effect: 1, trigger: 0, reason: NONE };
    model.policies.push({ ...policy, constants: 0, firstObligation: 0, firstMetadata: 0 });
    model.rows.push({ trigger: 0, requirement: NONE });
    model.nodes.push({ ...sample().nodes[5]!, text: 0, routine: 0, firstRead: 0, reads: 0 });
    const program = accepted(writeModel(settle(model)));
    expect(program.policies.at(0).triggerNode).toMatchObject({ text: "true", reads: [], children: [] });
  });

  it("trees as deep as the limit", () => {
    const model = sample();
    const last = model.nodes.pop()!;
    // With the `and` on top and the leaf below: 1,024.
    for (let i = 0; i < 1021; i++)
      model.nodes.push({ ...model.nodes[4]!, firstChild: model.nodes.length + 1, firstRead: 4, reads: 0 });
    model.nodes.push(last);
    expect(decode(writeModel(model))).toMatchObject({ ok: true });
  });
});

describe("the program", () => {
  const program = accepted(writeModel(sample()));

  it("has the bundle's constants", () => {
    expect(program.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const text = (i: number): string =>
      new TextDecoder().decode(
        program.stringBytes.subarray(program.stringOffsets[i], program.stringOffsets[i + 1]),
      );
    expect([...program.strings]).toEqual(Array.from({ length: program.strings.length }, (_, i) => text(i)));
    expect([...program.numbers]).toEqual([2, 0.5, 100]);
    expect([...program.prefixes]).toEqual([104, 128, 32]);
    expect(program.networks.length).toBe(48);
    expect([...program.setOffsets]).toEqual([0, 2, 4, 6, 8]);
    expect([...program.setElements]).toEqual(sample().setElements);
  });

  it("gives cells out slot by slot", () => {
    expect(Object.fromEntries(program.slots.map((slot) => [slot.name, slot.cell]))).toEqual(CELLS);
    expect(program.cellCount).toBe(23);
    const home = program.slots.find((slot) => slot.name === "home")!;
    expect(home.shape.fields.map(({ name, offset }) => [name, offset])).toEqual([
      ["street", 1],
      ["number", 2],
    ]);
    const approver = program.slots.find((slot) => slot.name === "approvals")!.shape.element!;
    expect(approver).toMatchObject({ type: "record", width: 4 });
    expect(approver.fields[2]!.shape.element!.fields.map(({ name }) => name)).toEqual(["cost", "tag"]);
  });

  it("says where slots come from", () => {
    const slot = (name: string): unknown => program.slots.find((s) => s.name === name);
    expect(slot("source.ip")).toMatchObject({
      source: "builtin",
      argument: "source.ip",
      marking: "verified",
      read: true,
    });
    expect(slot("risk")).toMatchObject({
      source: "body",
      argument: "/risk_level",
      marking: "claimed",
      optional: true,
      read: true,
      hasDefault: false,
    });
    expect(slot("colour")).toMatchObject({
      source: "header",
      marking: "trusted",
      verbatim: true,
      read: false,
    });
    expect(slot("amount")).toMatchObject({ source: "query", hasDefault: true, defaultIndex: 2 });
  });

  it("has the resources in order", () => {
    expect(
      program.resources.map(({ member, method, segments }) => [
        member,
        method,
        segments.map(({ text }) => text).join("/"),
      ]),
    ).toEqual([
      [2, "POST", "deployments"],
      [1, "POST", "orders"],
      [3, null, "orders"],
      [0, null, "orders/order_id"],
    ]);
    expect(program.resources[3]!.segments.map(({ kind }) => kind)).toEqual(["literal", "capture"]);
  });

  it("has policies with the starts of their code", () => {
    expect([...program.routineStarts]).toEqual([0, 5, 16, 19, 22, 25, 28, 31]);
    expect(program.policies.list[0]).toMatchObject({
      name: "Approvals",
      severity: "critical",
      effect: "requires",
      trigger: 0,
      requirement: 5,
      denyStatus: 403,
      denyBody: "no",
    });
    expect(program.policies.list[1]).toMatchObject({
      name: "Inside",
      kind: "guard",
      effect: "denies",
      trigger: 16,
      requirement: -1,
      reason: "from inside only",
      obligations: [],
    });
    expect(program.policies.list[2]).toMatchObject({
      name: "Open",
      mode: "permissive",
      effect: "allows",
      trigger: -1,
      triggerNode: null,
    });
    expect(program.policies.list[0]!.metadata).toEqual([
      { key: "owner", value: "security" },
      { key: "version", value: "1.2.0" },
    ]);
    expect(program.headerNames).toEqual(["x-approved-by", "x-open"]);
    const set = program.policies.list.map((policy) =>
      policy.obligations.map(({ name, value }) => [name, value]),
    );
    expect(set).toEqual([
      [["x-approved-by", "ipe mesh"]],
      [],
      [
        ["x-approved-by", ""],
        ["x-open", "yes"],
      ],
    ]);
  });

  it("has the source trees", () => {
    const [first] = program.policies;
    expect(first!.triggerNode).toMatchObject({
      kind: "and",
      code: -1,
      children: [
        { kind: "leaf", text: 'resource.type == "Deployment"', line: 2, column: 5, code: 25 },
        {
          kind: "not",
          text: "not exists tenant",
          reads: [{ cell: 12, name: "tenant" }],
          children: [{ kind: "leaf", code: 28 }],
        },
      ],
    });
    expect(first!.requirementNode).toMatchObject({
      kind: "leaf",
      code: 19,
      reads: [{ cell: 5, name: "amount", shape: { type: "int" } }],
    });
  });

  it("lists the sections with their bytes", () => {
    expect(program.sectionBytes.map(({ name }) => name).slice(0, 3)).toEqual([
      "strings",
      "numbers",
      "networks",
    ]);
    expect(program.sectionBytes.reduce((sum, { bytes }) => sum + bytes, TABLE_END)).toBe(program.totalBytes);
  });

  it("holds copies only, and reads bytes at any place of a buffer", () => {
    const bytes = writeModel(sample());
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    const decoded = accepted(shifted);
    shifted.fill(0xff);
    expect(decoded).toEqual(program);
    expect(decoded.policies.list).toEqual(program.policies.list);
  });

  it("holds copies only of a Node Buffer, too, whose slices are none", () => {
    const buffer = Buffer.from(writeModel(sample()));
    const decoded = accepted(buffer);
    buffer.fill(0xff);
    expect(decoded.policies.list).toEqual(program.policies.list);
  });
});
