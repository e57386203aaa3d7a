/** The one project: every request must mean it, by id or number; behaviours see the id only. */
import type { Cloud } from "./cloud";
import { ApiError } from "./errors";
import type { Method } from "./contract/contract";
import type { Query } from "./contract/validate";

/** Path parameters with the project's number replaced by its id; Google's refusal for any other project. */
export function localPath(
  method: Method,
  path: Record<string, string>,
  project: Cloud["project"],
): Record<string, string> {
  const bare = new Set([...method.path.matchAll(/projects\/\{([^}+]+)\}/g)].map((match) => match[1]!));
  return Object.fromEntries(
    Object.entries(path).map(([key, value]) => {
      if (bare.has(key)) return [key, localId(method, value, project)];
      const named = /^projects\/([^/]+)(.*)$/s.exec(value);
      return [key, named ? `projects/${localId(method, named[1]!, project)}${named[2]}` : value];
    }),
  );
}

/** The same for a `project` in the query (storage). */
export function localQuery(method: Method, query: Query, project: Cloud["project"]): Query {
  const asked = method.parameters.project?.location === "query" ? query.project : undefined;
  return typeof asked === "string" ? { ...query, project: localId(method, asked, project) } : query;
}

function localId(method: Method, asked: string, project: Cloud["project"]): string {
  if (asked === project.id || asked === project.number) return project.id;
  // `-` is IAM's wildcard for service accounts, `_` storage's place for buckets.
  if (asked === "-" || asked === "_") return asked;
  throw method.api.name.startsWith("bigquery.") ? notFound(asked) : denied(method, asked);
}

const notFound = (asked: string) => new ApiError("NOT_FOUND", `Not found: Project ${asked}`, [], 404, "notFound");

/** Google does not tell a project that does not exist from one that the caller may not see. */
function denied(method: Method, asked: string): ApiError {
  const service = `${method.id.split(".")[0]}.googleapis.com`;
  const details = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: "CONSUMER_INVALID",
    domain: "googleapis.com",
    metadata: { consumer: `projects/${asked}`, service },
  };
  return new ApiError(
    "PERMISSION_DENIED",
    `Permission denied on resource project ${asked}.`,
    [details],
    403,
    "forbidden",
  );
}
