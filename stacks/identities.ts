/** Identities: the accounts that workloads run as, with exactly their project roles, and who may act as each. */
import type * as pulumi from "@pulumi/pulumi";
import { grantEach } from "../components/iam";
import { physicalName, type Naming } from "../components/names";
import { PipelineLauncherRole } from "../components/pipeline-launcher-role";
import { ProjectMembers } from "../components/project-members";
import type { ProjectServices } from "../components/project-services";
import { WorkloadIdentity } from "../components/workload-identity";
import type { Features } from "./config/features";

export interface IdentitiesArgs {
  project: string;
  naming: Naming;
  features: Features;
  whole: boolean;
  /** Principals who run the lab. */
  operators: readonly string[];
  /** Principals who run batches and notebooks. */
  attendees: readonly string[];
  services: ProjectServices;
}

export type IdentityRole =
  "worker" | "runner" | "launcher" | "build" | "scheduler" | "scoring" | "workbench" | "composer";
/** Accounts by role; those of a feature exist when the feature does. */
export type Accounts = Partial<Record<IdentityRole, WorkloadIdentity>> &
  Record<"worker" | "runner" | "launcher", WorkloadIdentity>;

export interface Identities {
  accounts: Accounts;
  /** Grant key to principal. */
  operators: Record<string, string>;
  attendees: Record<string, string>;
}

interface Rule {
  displayName: string;
  description: string;
  /** Roles on the project: only what cannot be granted on a resource. */
  roles?: Record<string, pulumi.Input<string>>;
}

const SUBMITS = { "submit-batches": "roles/dataproc.serverlessEditor" };
const QUERIES = { "run-queries": "roles/bigquery.jobUser", "read-tables": "roles/bigquery.readSessionUser" };
const LOGS = { "write-logs": "roles/logging.logWriter" };

const RULES: Record<IdentityRole, Rule> = {
  worker: {
    displayName: "Spark worker",
    description: "Runs the drivers and executors of batches and notebook sessions",
    // dataproc.worker is required by the managed Spark service of every batch and session account.
    roles: { "run-spark": "roles/dataproc.worker", ...QUERIES },
  },
  runner: {
    displayName: "Pipeline runner",
    description: "Runs pipeline jobs: submits batches and registers models",
    roles: { ...SUBMITS, "use-vertex": "roles/aiplatform.user" },
  },
  launcher: { displayName: "Pipeline launcher", description: "Submits pipeline jobs and nothing else" },
  build: { displayName: "Build", description: "Builds images and functions", roles: LOGS },
  scheduler: {
    displayName: "Function caller",
    description: "Calls the pipeline's function for schedule, topic and queue",
  },
  scoring: { displayName: "Scoring API", description: "Reads exported models" },
  workbench: {
    displayName: "Workbench",
    description: "Runs the notebook machine; Spark runs as the worker",
    roles: {
      ...SUBMITS,
      ...QUERIES,
      ...LOGS,
      "write-metrics": "roles/monitoring.metricWriter",
      "use-services": "roles/serviceusage.serviceUsageConsumer",
    },
  },
  composer: {
    displayName: "Composer",
    description: "Runs Airflow's tasks; Spark runs as the worker",
    // A DAG looks for the champion in the model tracker; its pointer may be read by composer.worker.
    roles: { ...SUBMITS, "run-airflow": "roles/composer.worker", "run-queries": QUERIES["run-queries"] },
  },
};

type Members = Record<string, pulumi.Input<string>>;

export function identities(args: IdentitiesArgs): Identities {
  const { features, naming, whole } = args;
  const ready = { dependsOn: [args.services] };
  const [operators, attendees] = [byEmail(args.operators), byEmail(args.attendees)];
  const people = { ...attendees, ...operators };
  const launcherRole = new PipelineLauncherRole(
    "pipeline-launcher",
    { roleId: physicalName(naming, "customRole", "pipeline_launcher") },
    ready,
  );
  const account = (role: IdentityRole, actors: Members, moreRoles?: Rule["roles"]) =>
    identity(args, role, actors, moreRoles);
  const launcher = account("launcher", {}, { "start-pipelines": launcherRole.roleName });
  // A pipeline's own steps write logs and register the training data, which reads its schema.
  const runner = account(
    "runner",
    { launcher: launcher.member, ...(whole ? operators : {}) },
    whole ? { ...LOGS, "run-queries": QUERIES["run-queries"] } : {},
  );
  // Who may act as the notebook machine's account may open its Jupyter.
  const workbench = features.workbench ? account("workbench", people) : undefined;
  const composer = features.composer ? account("composer", {}) : undefined;
  const submitters = Object.entries({ runner, workbench, composer }).flatMap(([key, identity]) =>
    identity ? [[key, identity.member] as const] : [],
  );
  const worker = account("worker", { ...Object.fromEntries(submitters), ...people });
  const scheduler = features.trigger ? account("scheduler", features.queue ? operators : {}) : undefined;
  const builders = hasImages(features) ? operators : {};
  const build = features.trigger || hasImages(features) ? account("build", builders) : undefined;
  // Who deploys a model lets it act as this account.
  const scoring = features.scoringApi ? account("scoring", { runner: runner.member, ...operators }) : undefined;
  if (whole) grantPeople(args, people, operators, ready);
  return {
    accounts: { worker, runner, launcher, workbench, composer, scheduler, build, scoring },
    operators,
    attendees,
  };
}

/** Images of this repository, which operators have built. */
const hasImages = ({ scoringApi, customImage }: Features): boolean => scoringApi || customImage;

/** @param actors Who may act as the account, by grant key. */
function identity(
  args: IdentitiesArgs,
  role: IdentityRole,
  actors: Members,
  moreRoles: Rule["roles"] = {},
): WorkloadIdentity {
  const { roles, ...words } = RULES[role];
  return new WorkloadIdentity(
    role,
    {
      project: args.project,
      accountId: physicalName(args.naming, "serviceAccount", role),
      ...words,
      projectRoles: { ...roles, ...moreRoles },
      actAs: grantEach("roles/iam.serviceAccountUser", actors),
    },
    { dependsOn: [args.services] },
  );
}

function grantPeople(
  args: IdentitiesArgs,
  everyone: Record<string, string>,
  operators: Record<string, string>,
  ready: pulumi.ComponentResourceOptions,
): void {
  const seesNotebooks: Record<string, string> = args.features.workbench
    ? { "see-notebooks": "roles/notebooks.viewer" }
    : {};
  new ProjectMembers(
    "people",
    {
      project: args.project,
      members: everyone,
      roles: { ...SUBMITS, "run-queries": QUERIES["run-queries"], ...seesNotebooks },
    },
    ready,
  );
  new ProjectMembers(
    "operators",
    {
      project: args.project,
      members: operators,
      roles: {
        "use-vertex": "roles/aiplatform.user",
        ...(hasImages(args.features) ? { "build-images": "roles/cloudbuild.builds.editor" } : {}),
      },
    },
    ready,
  );
}

/** Grant keys for people: the principal itself, so that the order of the list never matters. */
function byEmail(members: readonly string[]): Record<string, string> {
  return Object.fromEntries(members.map((member) => [member.replace(":", "-"), member]));
}
