/** What breaks when a grant is taken away from a recorded run, and the table of what its grants are for. */
import { OPERATOR } from "../door/principals";
import { declaredIn, refusedUnder, shortName, type Grant, type Recording } from "./recording";
import { reasonOf } from "./reasons";

const OWNER = `user:${OPERATOR.email}`;

/**
 * Wide roles that stand in for narrower grants: what those are for shows where the wide one is away. Google requires
 * `dataproc.worker` of the account, and with it come all objects of the project; the operator of the local lab owns it,
 * and as their creator its data sets.
 */
const WIDE: readonly [hidden: RegExp, wide: (grant: Grant) => boolean][] = [
  [/^worker: storage\./, ([, role]) => role === "roles/dataproc.worker"],
  [/^operator: /, ([, role, member]) => role === "roles/owner" && member === OWNER],
  [/^operator: bigquery\.dataViewer on/, ([, role, member]) => role === "roles/bigquery.dataOwner" && member === OWNER],
];

export interface Removal {
  name: string;
  /** `<method> <permission> on <resource>` of the calls that are refused without the grant. */
  breaks: string[];
}

export async function removalsOf(recording: Recording): Promise<Removal[]> {
  const removals: Removal[] = [];
  for (const grant of declaredIn(recording)) {
    const name = shortName(grant);
    const hides = WIDE.filter(([hidden]) => hidden.test(name)).map(([, wide]) => wide);
    const base = recording.grants.filter((other) => !hides.some((wide) => wide(other)));
    const email = grant[2].replace(/^\w+:/, "");
    const own = { ...recording, decisions: recording.decisions.filter(([principal]) => principal === email) };
    const before = new Set((await refusedUnder(base, own)).map(String));
    const after = await refusedUnder(
      base.filter((other) => other !== grant),
      own,
    );
    const broken = after.filter((asked) => !before.has(String(asked)));
    removals.push({
      name,
      breaks: broken.map(([, permission, resource, method]) => textOf(method, permission, resource)),
    });
  }
  return removals.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const textOf = (method: string, permission: string, resource: string) =>
  `${method} (${permission} on ${resource.split("/").slice(-2).join("/")})`;

/** The table as Markdown: every grant with the call that fails without it, or with the reason why it is there. */
export function removalsPage(removals: readonly Removal[]): string {
  const rows = removals.map(({ name, breaks }) => {
    const [first, ...more] = breaks;
    const why = first
      ? first + (more.length > 0 ? `, and ${more.length} more` : "")
      : (reasonOf(name) ?? "no reason yet: say it in local/cloud/access/reasons.ts");
    return `| ${name} | ${first ? "yes" : "no"} | ${why} |`;
  });
  return [
    "# What each grant is for",
    "",
    "From one recorded run of the profile `full`: each grant of the program is taken away in turn and all decisions of the run are made again (`local/cloud/access/removals.test.ts`). The run goes every way that a grant is for: deployment with models on the endpoint and the Spark image, the training, a DAG, queries, the Spark procedure, the function by hand, a task, a message that becomes a dead letter, a notebook as a batch, by its schedule and in a session. After a change of grants one command makes it again in a lab of its own and writes this page:",
    "",
    "```sh",
    "npx tsx local/cloud/access/full-run.ts",
    "```",
    "",
    "| grant | needed in that run | what fails first without it, or why it is there |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
