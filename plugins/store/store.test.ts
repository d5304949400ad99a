import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { CrashDisk, FATES } from "./crash-disk.fixture.ts";
import { BundleStore, type NewBundle } from "./store.ts";

const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;
const bytesOf = (letter: string): Uint8Array => new TextEncoder().encode(letter.repeat(10));

function bundle(letter: string, more: Partial<NewBundle> = {}): NewBundle {
  const bytes = bytesOf(letter);
  return {
    ...{ digest: digestOf(letter), name: `${letter}.ipe`, at: new Date(1_000), how: "watch", who: null },
    content: { length: bytes.length, chunks: () => [bytes.subarray(0, 3), bytes.subarray(3)] },
    ...{ fromWatched: true, statement: null, signedSequence: null, ...more },
  };
}

const letters = (store: BundleStore): string => store.bundles.map(({ digest }) => digest.at(-1)).join("");

async function wholeBundles(store: BundleStore, disk: CrashDisk): Promise<void> {
  for (const { digest } of store.bundles)
    expect(await disk.read(store.pathOf(digest)), digest).toEqual(Buffer.from(bytesOf(digest.at(-1)!)));
}

test("keeps the last bundles, the one in force first, and what is put in force again counts anew", async () => {
  const disk = new CrashDisk();
  const store = await BundleStore.open("s", { keep: 3, disk });
  expect([store.bundles, store.watched, store.signed]).toEqual([[], null, null]);
  for (const letter of "abcd") await store.put(bundle(letter));
  expect(letters(store)).toBe("dcb");
  const again = await store.put(
    bundle("b", { content: null, how: "rollback", who: "ann", fromWatched: false }),
  );
  expect(again).toMatchObject({ sequence: 5, bytes: 10, how: "rollback", who: "ann" });
  expect([letters(store), store.watched]).toEqual(["bdc", digestOf("d")]);
  expect(disk.paths).toEqual(
    ["s/bundles/sha256-b", "s/bundles/sha256-c", "s/bundles/sha256-d"]
      .map((path) => `${path}${path.at(-1)!.repeat(63)}.ipeb`)
      .concat("s/index.json"),
  );
  const opened = await BundleStore.open("s", { keep: 2, disk });
  expect(opened.bundles).toEqual(store.bundles);
  await opened.put(bundle("e"));
  expect(letters(opened)).toBe("eb");
});

test("remembers the highest signed sequence, also when a bundle without a statement follows", async () => {
  const disk = new CrashDisk();
  const store = await BundleStore.open("s", { keep: 3, disk });
  await store.put(bundle("a", { statement: "{}", signedSequence: 7 }));
  await store.put(bundle("b"));
  const opened = await BundleStore.open("s", { keep: 3, disk });
  expect(opened.signed).toEqual({ sequence: 7, digest: digestOf("a") });
  expect(opened.bundles.map(({ statement }) => statement)).toEqual([null, "{}"]);
});

describe("a crash after any step", () => {
  test.each(FATES)(
    "what was not made safe is %s: the old state or the new one, and every bundle whole",
    async (fate) => {
      const seen = new Set<string>();
      for (let steps = 0; ; steps++) {
        const before = new CrashDisk();
        const store = await BundleStore.open("s", { keep: 2, disk: before });
        await store.put(bundle("a"));
        await store.put(bundle("b"));
        const disk = before.after("kept", steps);
        const ended = await (async () => {
          const opened = await BundleStore.open("s", { keep: 2, disk });
          await opened.put(bundle("c"));
          await opened.put(bundle("b", { content: null, signedSequence: 3 }));
          await opened.put(bundle("d"));
        })().then(
          () => true,
          () => false,
        );
        const disk2 = disk.after(fate);
        const opened = await BundleStore.open("s", { keep: 2, disk: disk2 });
        await wholeBundles(opened, disk2);
        seen.add(letters(opened));
        // No file that no crash has left, and the next one can be put in force.
        expect(disk2.paths).toHaveLength(opened.bundles.length + 1);
        await opened.put(bundle("e"));
        expect(letters(await BundleStore.open("s", { keep: 2, disk: disk2 }))).toBe(
          `e${[...seen].at(-1)![0]}`,
        );
        if (ended) break;
      }
      expect([...seen]).toEqual(["ba", "cb", "bc", "db"]);
    },
  );

  test("with memory of its own: what failed half-way can be tried again", async () => {
    const disk = new CrashDisk();
    const store = await BundleStore.open("s", { keep: 2, disk });
    await store.put(bundle("a"));
    const syncFolder = disk.syncFolder.bind(disk);
    let calls = 0;
    // The index has its name already when the disk gives up.
    disk.syncFolder = async (path) => {
      if (++calls === 2) throw new Error("EIO");
      return syncFolder(path);
    };
    await expect(store.put(bundle("b"))).rejects.toThrow("EIO");
    expect(letters(store)).toBe("a");
    await store.put(bundle("c"));
    expect(letters(await BundleStore.open("s", { keep: 2, disk }))).toBe("ca");
  });
});

test.each([
  ["not json", "cannot be read"],
  ["[]", "it is no object"],
  ['{"format":2}', "its format is 2, known is 1"],
  ['{"format":1,"watched":null,"signed":null,"bundles":[{"digest":"../../x"}]}', "missing or wrong"],
  ['{"format":1,"watched":"a","signed":null,"bundles":[]}', "`watched` is no digest"],
  ['{"format":1,"watched":null,"signed":{"sequence":-1},"bundles":[]}', "`signed` has a member"],
])("an index that is none: %s", async (text, problem) => {
  const disk = new CrashDisk();
  disk.overwrite("s/index.json", text);
  await expect(BundleStore.open("s", { keep: 2, disk })).rejects.toThrow(problem);
});

test("what the store does not have cannot be put in force without its bytes", async () => {
  const store = await BundleStore.open("s", { keep: 2, disk: new CrashDisk() });
  await expect(store.put(bundle("a", { content: null }))).rejects.toThrow("has no bundle sha256:aaa");
});

test("two processes with one store: the second one to write is told", async () => {
  const disk = new CrashDisk();
  const one = await BundleStore.open("s", { keep: 2, disk });
  const other = await BundleStore.open("s", { keep: 2, disk });
  await one.put(bundle("a"));
  await expect(other.put(bundle("b"))).rejects.toThrow("another process writes to the store `s`");
});

test("on the real file system: for the owner only, and nothing but the index and bundles", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipe-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const store = await BundleStore.open(join(folder, "a/b"), { keep: 1 });
  await store.put(bundle("a"));
  await store.put(bundle("b"));
  expect(readFileSync(store.pathOf(digestOf("b")), "utf8")).toBe("bbbbbbbbbb");
  expect(() => statSync(store.pathOf(digestOf("a")))).toThrow("ENOENT");
  expect([statSync(store.folder).mode & 0o777, statSync(store.pathOf(digestOf("b"))).mode & 0o777]).toEqual([
    ...[0o700, 0o600],
  ]);
  expect(letters(await BundleStore.open(store.folder, { keep: 1 }))).toBe("b");
});
