/** What a batch request must be, and what it names must be there: checked before anything is stored. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { Call, JsonObject } from "../../service";
import type { Violation } from "../../contract/validate-schema";
import { badRequest } from "../../contract/validate";
import { defaultAccount, requireActAs, requireBucket } from "../references";
import {
  environmentProblems,
  executionOf,
  isSet,
  labelProblems,
  objectAt,
  runtimeProblems,
  text,
} from "./workload-rules";

const KINDS = ["pysparkBatch", "sparkBatch", "sparkRBatch", "sparkSqlBatch", "pysparkNotebookBatch"];
/** The kinds that are run, by the file that each is about. */
const RUN: Readonly<Record<string, { field: string; suffix: string; what: string }>> = {
  pysparkBatch: { field: "mainPythonFileUri", suffix: ".py", what: "main Python file" },
  pysparkNotebookBatch: { field: "notebookFileUri", suffix: ".ipynb", what: "notebook file" },
};
/** What each list of URIs may hold. Source: PySparkBatch and PySparkNotebookBatch in the API description. */
const URI_LISTS: Readonly<Record<string, RegExp>> = {
  pythonFileUris: /\.(py|egg|zip)$/,
  jarFileUris: /\.jar$/,
  fileUris: /./,
  archiveUris: /\.(jar|tar|tar\.gz|tgz|zip)(#[^#/]+)?$/,
};

/** Throws INVALID_ARGUMENT with every problem of the request. */
export function checkBatch(batch: JsonObject, call: Call, cloud: Cloud): void {
  const violations = [
    ...idProblems(call),
    ...kindProblems(batch),
    ...runtimeProblems(batch, "batch", cloud.engines),
    ...environmentProblems(batch, "batch", "batch"),
    ...labelProblems(batch, "batch"),
  ];
  if (violations.length > 0) throw badRequest(violations);
  const unserved = KINDS.find((kind) => batch[kind] !== undefined && !RUN[kind]);
  if (unserved)
    throw new ApiError(
      "UNIMPLEMENTED",
      `Batches of kind ${unserved} are not run here; expected ${Object.keys(RUN).join(" or ")}.`,
    );
  const missing = batch.pysparkNotebookBatch && cloud.engines.sessions.problem();
  if (missing) throw new ApiError("FAILED_PRECONDITION", missing);
}

function idProblems({ query }: Call): Violation[] {
  const found: Violation[] = [];
  if (isSet(query.batchId) && !/^[a-z0-9-]{4,63}$/.test(text(query.batchId))) {
    found.push({
      field: "batch_id",
      description: `Invalid batch id '${text(query.batchId)}': expected 4-63 characters of a-z, 0-9 and '-'.`,
    });
  }
  return [...found, ...requestIdProblems(query)];
}

export function requestIdProblems(query: Call["query"]): Violation[] {
  if (!isSet(query.requestId) || /^[\w-]{1,40}$/.test(text(query.requestId))) return [];
  const description = `Invalid request id '${text(query.requestId)}': expected at most 40 letters, digits, '_' or '-'.`;
  return [{ field: "request_id", description }];
}

function kindProblems(batch: JsonObject): Violation[] {
  const kinds = KINDS.filter((kind) => batch[kind] !== undefined);
  if (kinds.length !== 1) {
    const got = kinds.length === 0 ? "none" : kinds.join(", ");
    return [
      {
        field: "batch.batch_config",
        description: `Exactly one batch configuration must be set: got ${got}; expected one of ${KINDS.join(", ")}.`,
      },
    ];
  }
  const [kind] = kinds as [string];
  return RUN[kind] ? fileProblems(objectAt(batch, kind), kind) : [];
}

function fileProblems(work: JsonObject, kind: string): Violation[] {
  const found: Violation[] = [];
  const report = (field: string, description: string) =>
    found.push({ field: `batch.${snakeCase(kind)}.${snakeCase(field)}`, description });
  const { field, suffix, what } = RUN[kind]!;
  const uri = text(work[field]);
  if (uri === "") report(field, `${what[0]!.toUpperCase()}${what.slice(1)} URI is required.`);
  else if (!/^gs:\/\/[^/]+\/.+$/.test(uri) || !uri.endsWith(suffix))
    report(field, `Invalid ${what} URI '${uri}': expected gs://<bucket>/<object>${suffix}.`);
  // A parameter becomes a variable of the notebook.
  for (const name of Object.keys(objectAt(work, "params")).filter((key) => !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(key)))
    report("params", `Invalid parameter '${name}': expected the name of a Python variable.`);
  for (const [list, pattern] of Object.entries(URI_LISTS)) {
    for (const uri of (work[list] ?? []) as string[]) {
      // A comma would be two files to Spark.
      if (!/^gs:\/\/[^/,]+\/[^,]+$/.test(uri) || !pattern.test(uri))
        report(
          list,
          `Invalid URI '${uri}' in ${list}: expected gs://<bucket>/<object> that matches ${pattern.source}.`,
        );
    }
  }
  return found;
}

/** A field as violations name it. */
export const snakeCase = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The account that a batch runs as: the one it names, else the project's default compute account, as Google does. */
export const workloadAccount = (batch: JsonObject, cloud: Cloud) =>
  text(executionOf(batch).serviceAccount) || defaultAccount(cloud);

const ACCOUNT_HINT =
  "A batch runs as environment_config.execution_config.service_account, or as the project's default compute account if " +
  "it names none.";

/** Everything that the batch names must exist, and the caller must be allowed to act as its account. */
export async function checkReferences(batch: JsonObject, call: Call, cloud: Cloud): Promise<void> {
  const account = workloadAccount(batch, cloud);
  await requireActAs(account, call, cloud, ACCOUNT_HINT);
  const bucket = executionOf(batch).stagingBucket;
  if (isSet(bucket)) await requireBucket(text(bucket), call, cloud, "Staging bucket");
  const peripherals = objectAt(objectAt(batch, "environmentConfig"), "peripheralsConfig");
  const named = [peripherals.metastoreService, objectAt(peripherals, "sparkHistoryServerConfig").dataprocCluster];
  for (const name of named.filter(isSet).map(String)) {
    if (!(await cloud.store.get(name))) throw new ApiError("NOT_FOUND", `Not found: ${name}`);
  }
}
