/** Foundation: the APIs that the lab uses and the identities that its workloads run as. */
import { ProjectServices } from "../components/project-services";
import { grantEach } from "../components/iam";
import { physicalName, type Naming } from "../components/names";
import { WorkloadIdentity } from "../components/workload-identity";
import { PipelineLauncherRole } from "../components/pipeline-launcher-role";

export interface FoundationArgs {
  project: string;
  naming: Naming;
  /** Principals who may run batches and notebooks as the Spark worker. */
  operators: readonly string[];
}

export interface Foundation {
  services: ProjectServices;
  identities: { worker: WorkloadIdentity; runner: WorkloadIdentity; launcher: WorkloadIdentity };
}

const SERVICES = ["bigquery", "bigquerystorage", "cloudresourcemanager", "compute", "dataproc", "iam", "iamcredentials", "storage"];

export function foundation(args: FoundationArgs): Foundation {
  const services = new ProjectServices("services", { services: SERVICES });
  const ready = { dependsOn: [services] };
  const account = (role: string) => physicalName(args.naming, "serviceAccount", role);
  const launcherRole = new PipelineLauncherRole("pipeline-launcher", { roleId: physicalName(args.naming, "customRole", "pipeline_launcher") }, ready);

  const launcher = new WorkloadIdentity("launcher", {
    project: args.project,
    accountId: account("launcher"),
    displayName: "Pipeline launcher",
    description: "Submits pipeline jobs and nothing else",
    projectRoles: { "start-pipelines": launcherRole.roleName },
  }, ready);
  const runner = new WorkloadIdentity("runner", {
    project: args.project,
    accountId: account("runner"),
    displayName: "Pipeline runner",
    description: "Runs pipeline jobs: submits batches and registers models",
    projectRoles: { "submit-batches": "roles/dataproc.serverlessEditor", "use-vertex": "roles/aiplatform.user" },
    actAs: grantEach("roles/iam.serviceAccountUser", { launcher: launcher.member }),
  }, ready);
  const worker = new WorkloadIdentity("worker", {
    project: args.project,
    accountId: account("worker"),
    displayName: "Spark worker",
    description: "Runs the drivers and executors of batches and notebook sessions",
    projectRoles: {
      // Required by the managed Spark service of every batch and session account.
      "run-spark": "roles/dataproc.worker",
      "run-queries": "roles/bigquery.jobUser",
      "read-tables": "roles/bigquery.readSessionUser",
    },
    actAs: grantEach("roles/iam.serviceAccountUser", { runner: runner.member, ...byEmail(args.operators) }),
  }, ready);
  return { services, identities: { worker, runner, launcher } };
}

/** Grant keys for people: the principal itself, so that the order of the list never matters. */
function byEmail(members: readonly string[]): Record<string, string> {
  return Object.fromEntries(members.map((member) => [member.replace(":", "-"), member]));
}
