import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { LINE_BYTES_MAX, type Link, lineAfter, START } from "./chain.ts";
import { AuditFile } from "./file.ts";
import { walk, walkFile } from "./walk.ts";

const RECORDS = 6;

/** Lines of a chain, each with its line end. */
function chain(count = RECORDS): Buffer[] {
  let link: Link = START;
  return Array.from({ length: count }, (_, i) => {
    const linked = lineAfter(link, { at: `day ${i}`, who: i % 2 === 0 ? "ann" : null, text: "ü\n\ud800" });
    link = linked.link;
    return linked.line;
  });
}

const walked = (lines: readonly Buffer[]) => walk([Buffer.concat(lines)]);

function pathOfNew(): string {
  const folder = mkdtempSync(join(tmpdir(), "ipe-audit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "audit.jsonl");
}

describe("a chain", () => {
  test("is whole, however it is cut into pieces", async () => {
    const bytes = Buffer.concat(chain());
    const whole = await walk([bytes]);
    expect(whole).toMatchObject({
      link: { records: RECORDS },
      broken: null,
      torn: null,
      bytes: bytes.length,
    });
    for (const size of [1, 7, 100]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(await walk(pieces)).toEqual(whole);
    }
  });

  test("says what each record says", async () => {
    const seen: unknown[] = [];
    await walk([Buffer.concat(chain(1))], { visit: (fields) => seen.push(fields) });
    expect(seen).toEqual([{ at: "day 0", who: "ann", text: "ü\n\ud800" }]);
  });

  const [a, b, c, d] = chain() as [Buffer, Buffer, Buffer, Buffer];
  const edited = Buffer.from(b.toString().replace("day 1", "day 7"));
  /** A record that somebody made anew with a right hash of its own. */
  const replaced = lineAfter({ records: 1, head: a.toString().slice(-67, -3) }, { at: "day 7" }).line;
  const foreign = lineAfter({ records: 0, head: "1".repeat(64) }, { at: "day 0" }).line;
  const future = Buffer.from("x");
  test.each<[string, Buffer[], number, string]>([
    ["edited", [a, edited, c], 2, "line 2 was changed: its hash is not that of its text"],
    ["removed", [a, b, d], 3, "line 3 is record 4, and record 3 was to come"],
    ["the first one removed", [b, c], 1, "line 1 is record 2, and record 1 was to come"],
    ["put in another order", [a, c, b], 2, "line 2 is record 3, and record 2 was to come"],
    ["twice", [a, b, b], 3, "line 3 is record 2, and record 3 was to come"],
    ["replaced", [a, replaced, c], 3, "line 3 does not continue the record before it: that one was replaced"],
    ["of another chain", [foreign], 1, "line 1 is called the first record, and continues another chain"],
    ["empty", [a, Buffer.from("\n"), b], 2, "line 2 is no record: it does not end with a hash"],
    ["no record", [a, Buffer.concat([future, b])], 2, "line 2 was changed"],
  ])("%s", async (_, lines, line, problem) => {
    const { broken, link } = await walked(lines);
    expect(broken).toEqual({ line, problem: expect.stringContaining(problem) });
    expect(link.records).toBe(line - 1);
  });

  test("an end that was cut off is torn, or a line less", async () => {
    const bytes = Buffer.concat([a, b]);
    expect(await walk([bytes.subarray(0, -1)])).toMatchObject({ link: { records: 1 }, broken: null });
    expect((await walk([bytes.subarray(0, -1)])).torn).toEqual(b.subarray(0, -1));
    expect(await walk([a])).toMatchObject({ link: { records: 1 }, broken: null, torn: null });
  });

  test("no byte of it can be changed, removed or added unseen", async () => {
    const bytes = Buffer.concat(chain(3));
    const { link } = await walk([bytes]);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(2), async (at, byte, how) => {
        const changed = Buffer.concat([
          bytes.subarray(0, at),
          how === 0 ? Buffer.alloc(0) : Buffer.from([byte]),
          bytes.subarray(how === 2 ? at : at + 1),
        ]);
        if (changed.equals(bytes)) return;
        const after = await walk([changed]);
        expect(after.broken !== null || after.torn !== null || after.link.head !== link.head).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes can be walked along", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 })), async (pieces) => {
        const { link } = await walk(pieces.map((piece) => Buffer.from(piece)));
        expect(link.records).toBe(0);
      }),
    );
    const long = Buffer.alloc(LINE_BYTES_MAX + 2, "a");
    expect((await walk([long])).broken?.problem).toBe("line 1 is too long to be a record");
  });

  test("a newer format is refused with both versions named", async () => {
    const newer = lineAfter(START, {}).line.toString().replace('"format":1', '"format":2');
    const { createHash } = await import("node:crypto");
    const text = newer.slice(0, newer.indexOf(',"hash"'));
    const hash = createHash("sha256").update(`IPE audit 1\n${text}`).digest("hex");
    const { broken } = await walk([Buffer.from(`${text},"hash":"${hash}"}\n`)]);
    expect(broken?.problem).toBe("line 1 has format 2, and this program reads 1");
  });
});

describe("a file", () => {
  test("is begun for its owner only, and continued", async () => {
    const path = pathOfNew();
    const first = await AuditFile.open(path);
    expect(first.link).toEqual(START);
    await first.append({ n: 1 });
    const { head } = await first.append({ n: 2 });
    await first.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const seen: unknown[] = [];
    const second = await AuditFile.open(path, { visit: (fields) => seen.push(fields) });
    expect([second.link, seen]).toEqual([{ records: 2, head }, [{ n: 1 }, { n: 2 }]]);
    await second.append({ n: 3 });
    await second.close();
    expect(await walkFile(path)).toMatchObject({ link: { records: 3 }, broken: null, torn: null });
  });

  test("half a record is cut off wherever the crash came, and kept in a record", async () => {
    const path = pathOfNew();
    const [a, b] = chain(2) as [Buffer, Buffer];
    for (let cut = 1; cut < b.length; cut += 17) {
      writeFileSync(path, Buffer.concat([a, b.subarray(0, cut)]));
      const seen: unknown[] = [];
      const file = await AuditFile.open(path, { now: () => new Date(0) });
      await file.close();
      const { link, broken, torn } = await walkFile(path, { visit: (fields) => seen.push(fields) });
      expect([link.records, broken, torn]).toEqual([2, null, null]);
      expect(seen[1]).toEqual({
        ...{ at: "1970-01-01T00:00:00.000Z", event: "cut-off", bytes: cut },
        beginning: b.subarray(0, cut).toString("base64"),
      });
    }
  });

  test("with a broken chain is not continued", async () => {
    const path = pathOfNew();
    const [a, , c] = chain(3) as [Buffer, Buffer, Buffer];
    writeFileSync(path, Buffer.concat([a, c]));
    await expect(AuditFile.open(path)).rejects.toThrow(/its chain is broken: line 2 is record 3/);
    expect(readFileSync(path)).toEqual(Buffer.concat([a, c]));
  });

  test("that is none, or is not there to write, is refused", async () => {
    await expect(AuditFile.open("/dev/null")).rejects.toThrow("it is no file");
    await expect(AuditFile.open(join(pathOfNew(), "x"))).rejects.toThrow(/ENOENT/);
  });

  test("that was moved, removed or written to is not written", async () => {
    const path = pathOfNew();
    const file = await AuditFile.open(path);
    await file.append({ n: 1 });
    renameSync(path, `${path}.1`);
    await expect(file.append({ n: 2 })).rejects.toThrow("it was moved or removed");
    writeFileSync(path, readFileSync(`${path}.1`));
    await expect(file.append({ n: 2 })).rejects.toThrow("it was moved or removed");
    renameSync(`${path}.1`, path);
    await file.append({ n: 2 });
    appendFileSync(path, "x");
    await expect(file.append({ n: 3 })).rejects.toThrow("somebody else wrote to it");
    await file.close();
  });

  test("what cannot be written is taken back, and the next record is", async () => {
    const path = pathOfNew();
    const file = await AuditFile.open(path);
    const link = await file.append({ n: 1 });
    const probe = await open(path);
    const handle = Object.getPrototypeOf(probe) as {
      appendFile(bytes: Buffer): Promise<void>;
      sync(): unknown;
    };
    await probe.close();
    const full = vi.spyOn(handle, "appendFile").mockImplementation(async (bytes) => {
      appendFileSync(path, bytes.subarray(0, 10));
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    });
    onTestFinished(() => void vi.restoreAllMocks());
    await expect(file.append({ n: 2 })).rejects.toThrow("ENOSPC");
    expect(file.link).toEqual(link);
    full.mockRestore();
    const failing = vi.spyOn(handle, "sync").mockRejectedValue(new Error("EIO"));
    // Neither is safe, nor can be taken back safely.
    await expect(file.append({ n: 2 })).rejects.toThrow("EIO");
    failing.mockRestore();
    await expect(file.append({ n: 2 })).rejects.toThrow("half a record may be in it");
    await file.close();
    const again = await AuditFile.open(path);
    expect(again.link).toEqual(link);
    await again.append({ n: 2 });
    await again.close();
    expect(await walkFile(path)).toMatchObject({ link: { records: 2 }, broken: null, torn: null });
  });
});
