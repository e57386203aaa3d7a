/** Settings from the environment; parsed once, all problems in one error. */

export interface Settings {
  project: string;
  region: string;
  /** `gs://bucket/object` of the compiled pipeline. */
  spec: string;
  /** `gs://bucket/folder` that keeps what was submitted. */
  submissions: string;
  /** `gs://bucket/folder` of the runs' artifacts. */
  root: string;
  /** E-mail of the account that runs are made as. */
  account: string;
  /** The lab's own values for the pipeline's parameters. */
  parameters: Readonly<Record<string, string>>;
}

const URI = /^gs:\/\/[a-z0-9][a-z0-9._-]+(\/[^\s/]+)+$/;
const EXPECTED: Readonly<Record<string, { pattern: RegExp; text: string }>> = {
  PROJECT: { pattern: /^[a-z][a-z0-9-]+$/, text: "a project id" },
  REGION: { pattern: /^[a-z]+-[a-z]+\d$/, text: "a region such as us-central1" },
  PIPELINE_SPEC: { pattern: URI, text: "gs://bucket/object of the compiled pipeline" },
  PIPELINE_SUBMISSIONS: { pattern: URI, text: "a folder, gs://bucket/folder" },
  PIPELINE_ROOT: { pattern: URI, text: "a folder, gs://bucket/folder" },
  PIPELINE_ACCOUNT: { pattern: /^[^@\s]+@[^@\s]+$/, text: "the e-mail of a service account" },
};

/** Settings that the function cannot work with. */
export class SettingsError extends Error {}

/** @throws SettingsError with one line per problem */
export function parseSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const problems = Object.entries(EXPECTED).flatMap(([name, { pattern, text }]) => {
    const value = environment[name];
    return value !== undefined && pattern.test(value) ? [] : [`${name}: got ${shown(value)}; expected ${text}.`];
  });
  const parameters = parseParameters(environment.PIPELINE_PARAMETERS);
  if (!parameters) {
    const got = shown(environment.PIPELINE_PARAMETERS);
    problems.push(`PIPELINE_PARAMETERS: got ${got}; expected a JSON object of texts.`);
  }
  if (problems.length > 0) throw new SettingsError(["The function cannot start pipelines:", ...problems].join("\n  "));
  const at = (name: string) => environment[name] ?? "";
  return {
    project: at("PROJECT"),
    region: at("REGION"),
    spec: at("PIPELINE_SPEC"),
    submissions: at("PIPELINE_SUBMISSIONS"),
    root: at("PIPELINE_ROOT"),
    account: at("PIPELINE_ACCOUNT"),
    parameters: parameters ?? {},
  };
}

const shown = (value: string | undefined) => (value === undefined ? "nothing" : JSON.stringify(value));

function parseParameters(text = "{}"): Record<string, string> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isMap = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isMap && Object.values(parsed).every((value) => typeof value === "string")
      ? (parsed as Record<string, string>)
      : undefined;
  } catch {
    return undefined; // Not JSON: the caller says what was expected.
  }
}
