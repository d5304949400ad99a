/** The five requests of the demo, as `curl` lines, and the answer to each. */

interface Example {
  readonly about: string;
  readonly arguments: readonly string[];
  readonly path: string;
  /** Status, and on a denial what `x-ipe-reason` says. */
  readonly answer: string;
}

const SENIORS = ["platform", "security"].map((department) => ({ role: "senior-engineer", department }));
const JSON_TYPE = "-H 'content-type: application/json'";
const DEPARTMENT = "-H 'x-department: payments'";

function deployment(approvals: readonly object[]): string {
  return `-d '${JSON.stringify({ environment: "production", risk_level: "high", approvals })}'`;
}

const EXAMPLES: readonly Example[] = [
  {
    about: "two approvals from other departments",
    arguments: [JSON_TYPE, DEPARTMENT, deployment(SENIORS)],
    path: "/deployments",
    answer: "200",
  },
  {
    about: "one approval is missing",
    arguments: [JSON_TYPE, DEPARTMENT, deployment(SENIORS.slice(1))],
    path: "/deployments",
    answer: "403 RequireApproval",
  },
  {
    about: "an attribute is missing: the requester's department",
    arguments: [JSON_TYPE, deployment(SENIORS)],
    path: "/deployments",
    answer: "403 RequireApproval",
  },
  { about: "not a deployment, so nothing allows it", arguments: [], path: "/reports", answer: "403 default" },
  {
    about: "a forged path: no policy takes it for something else",
    arguments: ["--path-as-is", JSON_TYPE, DEPARTMENT, deployment(SENIORS)],
    path: "//deployments",
    answer: "403 RequireApproval",
  },
];

/**
 * Three lines for each request: what it is, a command that asks both doors, the answer of each. curl itself expands the
 * two ports, hence the quotes.
 */
export function exampleLines(ports: readonly number[]): string[] {
  return EXAMPLES.flatMap(({ about, arguments: words, path, answer }) => [
    `# ${about}`,
    ["curl -si -w '\\n'", ...words, `'http://127.0.0.1:{${ports.join(",")}}${path}'`].join(" "),
    `-> both doors: ${answer}`,
  ]);
}
