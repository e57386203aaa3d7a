/** Settings from the environment, by Vertex AI's contract for custom containers; parsed once, all problems at once. */
import { z } from "zod";

const gcsUri = z.string().regex(/^gs:\/\/[a-z0-9][a-z0-9._-]+(\/[^\s/]+)*\/?$/);

/** A variable's name, what it may be, and its default if it has one. */
const schema = z.object({
  /** Cloud Run and others say PORT, Vertex AI AIP_HTTP_PORT. */
  port: z.coerce.number().int().min(0).max(65535),
  host: z.string().min(1),
  predictRoute: z.string().regex(/^\/\S*$/),
  healthRoute: z.string().regex(/^\/\S*$/),
  storageUri: gcsUri.optional(),
  championUri: gcsUri.optional(),
  refreshSeconds: z.coerce.number().positive().max(3600),
});
export type Settings = z.infer<typeof schema>;

const VARIABLES: Record<keyof Settings, { names: readonly string[]; fallback?: string; expected: string }> = {
  port: { names: ["AIP_HTTP_PORT", "PORT"], fallback: "8080", expected: "a port from 0 to 65535" },
  host: { names: ["LISTEN_HOST"], fallback: "0.0.0.0", expected: "an address to listen on" },
  predictRoute: { names: ["AIP_PREDICT_ROUTE"], fallback: "/v1/predict", expected: "a path such as /v1/predict" },
  healthRoute: { names: ["AIP_HEALTH_ROUTE"], fallback: "/healthz", expected: "a path such as /healthz" },
  storageUri: { names: ["AIP_STORAGE_URI"], expected: "the gs://bucket/folder that holds bundle.json" },
  championUri: { names: ["CHAMPION_URI"], expected: "the gs://bucket/object that names the champion" },
  refreshSeconds: {
    names: ["MODEL_REFRESH_SECONDS"],
    fallback: "10",
    expected: "seconds between two looks at the champion, up to 3600",
  },
};

/** Settings that the process cannot run with. */
export class SettingsError extends Error {}

/** @throws SettingsError with one line per problem */
export function parseSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const raw = Object.fromEntries(
    Object.entries(VARIABLES).map(([key, { names, fallback }]) => [
      key,
      names.map((name) => environment[name]).find(Boolean) ?? fallback,
    ]),
  );
  const result = schema.safeParse(raw);
  const wrong = new Set(result.error?.issues.map(({ path }) => path[0] as keyof Settings));
  const problems = [...wrong].map((key) => {
    const got = raw[key];
    return `${VARIABLES[key].names.join(" or ")}: got ${got === undefined ? "nothing" : JSON.stringify(got)}; expected ${VARIABLES[key].expected}.`;
  });
  if ((raw.storageUri === undefined) === (raw.championUri === undefined)) {
    const [fixed, followed] = [VARIABLES.storageUri.expected, VARIABLES.championUri.expected];
    const got = raw.storageUri === undefined ? "neither" : "both";
    problems.push(`AIP_STORAGE_URI, CHAMPION_URI: got ${got}; expected ${fixed}, or ${followed}.`);
  }
  if (result.success && problems.length === 0) return result.data;
  throw new SettingsError(["The scoring API cannot start:", ...problems].join("\n  "));
}
