/** Lint: types are used as they are meant, and the rules of the house hold. Who may import whom: .dependency-cruiser.cjs. */
import tseslint from "typescript-eslint";
import house from "./local/setup/house-rules.mjs";

const drawn = { object: "Math", property: "random", message: "Names and ids are derived, never drawn." };
const surroundings = {
  object: "process",
  property: "env",
  message: "The environment is read where a process begins and handed on.",
};
/** Where a process begins, or where a child is given what ours has. */
const READS_ENVIRONMENT = [
  "cli/main.ts",
  "cli/customers.ts",
  "cli/google-cloud/pulumi.ts",
  "functions/*/index.ts",
  "local/bench/**",
  "local/cloud/access/full-run.ts",
  "local/deploy/{scene,stack-state}.ts",
  "local/engines/**",
  "**/testing.ts",
  "**/*testing*.ts",
  "**/clients/**",
  "**/faults/**",
  "**/*.test.ts",
];

/** Written before the limit for functions stood: each is split by whoever next has something to change in it. */
const LONGER_FUNCTIONS = [
  "local/cloud/door/{principals,tokens}.ts",
  "local/cloud/engine/{operations,policies}.ts",
  "local/cloud/main.ts",
  "local/cloud/services/bigquery/testing.ts",
  "local/cloud/services/compute/places.ts",
  "local/cloud/services/storage/resumable.ts",
  "local/deploy/gcp/compute-api.ts",
];

export default tseslint.config(
  { ignores: ["node_modules/", ".lab/", "coverage/", "**/dist/", "**/testdata/", "**/*.cjs"] },
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ["**/*.ts"] })),
  {
    files: ["**/*.ts"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { house },
    rules: {
      "house/purpose-line": "error",
      "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true, IIFEs: true }],
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", ignoreRestSiblings: true }],
      "@typescript-eslint/require-await": "off",
      // The older form is what Pulumi programs and JSON at the edges need; the type is checked where it enters.
      "@typescript-eslint/no-unsafe-assignment": "off",
      "max-lines": ["error", { max: 250, skipComments: false }],
      "no-restricted-properties": ["error", drawn, surroundings],
      "no-empty": ["error", { allowEmptyCatch: false }],
    },
  },
  {
    files: LONGER_FUNCTIONS,
    rules: { "max-lines-per-function": ["error", { max: 80, skipBlankLines: true, skipComments: true }] },
  },
  { files: READS_ENVIRONMENT, rules: { "no-restricted-properties": ["error", drawn] } },
  {
    files: ["stacks/**/*.ts", "components/**/*.ts"],
    plugins: { house },
    rules: { "house/no-resource-in-apply": "error" },
  },
  {
    files: ["**/*.test.ts"],
    rules: {
      "max-lines-per-function": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "max-lines": "off",
    },
  },
);
