/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  roots: ["<rootDir>/stacks", "<rootDir>/components", "<rootDir>/local", "<rootDir>/cli", "<rootDir>/functions"],
  testMatch: ["**/*.test.ts"],
  transform: { "^.+\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs" } }] },
  testPathIgnorePatterns: ["/node_modules/", "\\.deep\\.test\\.ts$", "/local/e2e\\.test\\.ts$"],
  // Real processes start slowly on a busy machine; a test says so itself when it needs longer.
  testTimeout: 60_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: "1GB",
};
