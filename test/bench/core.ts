/** Interpreter, compiler, sizes. */
import { buildFilter } from "../../assembly/build.ts";
import { compile, createCompiler, createEngine, type Source } from "../../core/index.ts";
import { engineOf } from "../engine.ts";
import { batchNs, inTurns, line, time } from "./rounds.ts";
import { ALLOWED, ALLOWED_BODY, SEED_TEXT } from "./seed.ts";

const ROUNDS = 31;
const POLICIES = 1_000;
/** Compiled again and again with one of them changed. */
const EDITED = 10_000;
const FRESH_ROUNDS = 5;

export async function benchCore(): Promise<void> {
  await evaluation();
  await compilation();
  await recompilation();
  await sizes();
}

async function evaluation(): Promise<void> {
  const { engine } = engineOf(SEED_TEXT);
  if (!engine.decide(ALLOWED).allow) throw new Error("the request of the measurement is not allowed");
  const found = await inTurns(
    {
      evaluate: () => batchNs(50_000, () => engine.decideAgain()),
      decide: () => batchNs(2_000, () => engine.decide(ALLOWED)),
      explain: () => batchNs(2_000, () => engine.explain(ALLOWED)),
      parse: () => batchNs(2_000, () => JSON.parse(ALLOWED_BODY)),
    },
    ROUNDS,
  );
  line(
    "seed policy, slots loaded: evaluate",
    time(found.evaluate),
    `${(found.evaluate / found.parse).toFixed(2)} x JSON.parse of its body`,
  );
  line(
    "seed policy, request to decision: decide",
    time(found.decide),
    `${(found.decide / found.parse).toFixed(2)} x JSON.parse of its body`,
  );
  line("seed policy, request to reasons: explain", time(found.explain));
  line("JSON.parse of its body", time(found.parse), `${ALLOWED_BODY.length} bytes`);
  line("garbage of one evaluation", `${garbage(() => engine.decideAgain()).toFixed(2)} bytes`);
}

/** Bytes that one call leaves behind, from the growth of the heap between collections. */
function garbage(call: () => unknown): number {
  const calls = 200_000;
  for (let i = 0; i < calls; i++) call();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < calls; i++) call();
  return Math.max(0, process.memoryUsage().heapUsed - before) / calls;
}

async function compilation(): Promise<void> {
  const policies = Array.from({ length: 40 }, (_, i) =>
    SEED_TEXT.slice(SEED_TEXT.indexOf("policy ")).replace("RequireApproval", `RequireApproval${i}`),
  );
  const text = SEED_TEXT.slice(0, SEED_TEXT.indexOf("policy ")) + policies.join("\n");
  const lines = text.split("\n").length;
  const found = await inTurns(
    { many: () => batchNs(1, () => compile([{ name: "many.ipe", text }])) },
    ROUNDS,
  );
  line(
    `compile ${lines} lines (${policies.length} policies), text to bundle`,
    time(found.many),
    `${time((found.many / lines) * 1_000)} for 1,000 lines`,
  );
}

/** One policy of very many is edited: what changed is compiled, everything is. */
async function recompilation(): Promise<void> {
  const policies = Array.from(
    { length: EDITED },
    (_, i) => `policy P${i}:
  "Its team approves the changes of a service"
  triggers when request.method == "POST" and request.path starts_with "/service-${i}/" and tier == "t${i % 9}"
  requires team == "team-${i % 40}" and approvals >= 2
  metadata
    owner: team-${i % 40}
`,
  );
  const head = `attributes
  tier: string trusted from header "x-tier"
  team: string trusted from header "x-team"
  approvals: int trusted from header "x-approvals"

`;
  let edits = 0;
  /** Each time another policy says something else, on a line more or less. */
  const edited = () => {
    const at = (++edits * 37) % EDITED;
    const changed = policies.with(at, `// ${edits}\n${policies[at]!.replace(">= 2", `>= ${edits}`)}`);
    return [{ name: "many.ipe", text: head + changed.join("\n") }];
  };
  const compiler = createCompiler();
  const first = compiler.compile(edited());
  if (!first.ok) throw new Error(first.diagnostics.map(({ message }) => message).join());
  /** What writes the text is not measured. */
  const measure = (run: (sources: readonly Source[]) => unknown) => (): number => {
    const sources = edited();
    return batchNs(1, () => run(sources));
  };
  const { check, bundle } = await inTurns(
    {
      check: measure((sources) => compiler.check(sources)),
      bundle: measure((sources) => compiler.compile(sources)),
    },
    ROUNDS,
  );
  const { fresh } = await inTurns({ fresh: measure((sources) => compile(sources)) }, FRESH_ROUNDS);
  const beside = (ns: number): string => `${(fresh / ns).toFixed(0)} times as fast as compiling anew`;
  line(`one of ${EDITED} policies edited: text to diagnostics`, time(check), beside(check));
  line(`one of ${EDITED} policies edited: text to bundle`, time(bundle), beside(bundle));
  line(`${EDITED} policies compiled anew: text to bundle`, time(fresh));
}

async function sizes(): Promise<void> {
  const seed = engineOf(SEED_TEXT);
  const sections = Object.fromEntries(
    seed.engine.program.sectionBytes.map(({ name, bytes }) => [name, bytes]),
  );
  const starts = [...seed.engine.program.routineStarts];
  const deciding = new Set(seed.engine.program.policies.list.flatMap((p) => [p.trigger, p.requirement]));
  const decisionCode = starts.reduce(
    (sum, start, i) => sum + (deciding.has(start) ? (starts[i + 1]! - start) * 8 : 0),
    0,
  );
  const constants = sections.numbers! + sections.networks! + sections.sets!;
  line(
    "seed policy: code that decides, and constants",
    `${decisionCode + constants} bytes`,
    `${decisionCode} + ${constants}`,
  );
  line("seed policy: whole bundle, texts and reasons included", `${seed.bundle.length} bytes`);
  const header = SEED_TEXT.slice(0, SEED_TEXT.indexOf("policy "));
  const body = SEED_TEXT.slice(SEED_TEXT.indexOf("policy "));
  const many = engineOf(
    header + Array.from({ length: POLICIES }, (_, i) => body.replace("RequireApproval", `P${i}`)).join("\n"),
  );
  line(
    `${POLICIES} such policies`,
    `${many.bundle.length} bytes`,
    `${(many.bundle.length / POLICIES).toFixed(0)} bytes a policy`,
  );
  const { engine } = many;
  engine.decide(ALLOWED);
  const found = await inTurns({ many: () => batchNs(50, () => engine.decideAgain()) }, ROUNDS);
  line(
    `${POLICIES} such policies, all apply: evaluate`,
    time(found.many),
    `${time(found.many / POLICIES)} a policy`,
  );
  const load = await inTurns({ load: () => batchNs(1, () => createEngine(many.bundle)) }, ROUNDS);
  line(`${POLICIES} such policies: verify and load`, time(load.load));
  line("filter module", `${(await buildFilter()).length} bytes`);
}
