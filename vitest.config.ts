import { defineConfig } from "vitest/config";

const EVERYTHING = "**/*.test.ts";
const CONFORMANCE = "test/conformance/**/*.test.ts";
const END_TO_END = "test/e2e/**/*.test.ts";
const NEVER = ["**/node_modules/**", ".envoy/**", ".proxies/**", ".nginx/**", "build/**"];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 300_000,
    // `npm run coverage`. What runs in workers and in the proxies is not counted.
    coverage: {
      provider: "v8",
      include: ["core/**/*.ts"],
      exclude: [
        "**/*.test.ts",
        "**/*.fixture.ts",
        "core/**/fixtures.ts",
        "core/**/gen/**",
        "core/bytecode/spec/**",
      ],
      reporter: ["text-summary", "json", "json-summary"],
      reportsDirectory: "coverage",
      thresholds: {
        lines: 95,
        "core/bytecode/decode.ts": { branches: 100 },
        "core/bytecode/decode/*.ts": { branches: 100 },
        "core/runtime/interpreter.ts": { branches: 100 },
        "core/runtime/{counts,link,byte-search}.ts": { branches: 100 },
      },
    },
    // A property or fuzz test that fails prints what it needs to be repeated; more output hides it.
    projects: [
      {
        extends: true,
        test: { name: "unit", include: [EVERYTHING], exclude: [...NEVER, CONFORMANCE, END_TO_END] },
      },
      { extends: true, test: { name: "conformance", include: [CONFORMANCE], exclude: NEVER } },
      // Real proxies: one file after the other, so that two Envoys do not fight over two cores.
      { extends: true, test: { name: "e2e", include: [END_TO_END], exclude: NEVER, fileParallelism: false } },
    ],
  },
});
