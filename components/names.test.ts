/** Physical names: what they are, and that they never leave what Google accepts. */
import fc from "fast-check";
import { NAME_RULES, physicalName, type NamedKind } from "./names";

const naming = { prefix: "lab", environment: "dev" };

describe("physicalName", () => {
  it.each([
    ["bucket", "raw", "lab-dev-raw"],
    ["dataset", "churn", "lab_dev_churn"],
    ["customRole", "pipeline_launcher", "lab_dev_pipeline_launcher"],
  ] as const)("names a %s of role %s %s", (kind, role, expected) =>
    expect(physicalName(naming, kind, role)).toBe(expected),
  );

  it("says which name is too long, how long, and what to change", () => {
    expect(() =>
      physicalName({ prefix: "a-very-long-prefix", environment: "production" }, "serviceAccount", "launcher"),
    ).toThrow(
      'serviceAccount name of role "launcher": got "a-very-long-prefix-production-launcher" (38 characters); expected 6 to 30 ' +
        "characters of ^[a-z][a-z0-9-]*[a-z0-9]$. Choose a shorter one: pulumi config set sparklab:prefix <prefix>.",
    );
  });

  it("gives a legal name or refuses, for every prefix, environment and role", () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/);
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(NAME_RULES) as NamedKind[])),
        word,
        word,
        word,
        (kind, prefix, environment, role) => {
          const rule = NAME_RULES[kind];
          try {
            const name = physicalName({ prefix, environment }, kind, role);
            expect(name).toMatch(rule.pattern);
            expect(name.length).toBeLessThanOrEqual(rule.max);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        },
      ),
    );
  });
});
