/** A custom role that can start pipeline jobs and look at them, and nothing else of Vertex AI. */
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface PipelineLauncherRoleArgs {
  /** From names.ts; a deleted role id stays blocked for weeks, so it is never random. */
  roleId: string;
}

/** Least that `pipelineJobs.create` and following the job need. */
export const LAUNCH_PERMISSIONS = [
  "aiplatform.pipelineJobs.create",
  "aiplatform.pipelineJobs.get",
  "aiplatform.pipelineJobs.list",
];

export class PipelineLauncherRole extends pulumi.ComponentResource {
  /** `projects/<project>/roles/<id>`. */
  readonly roleName: pulumi.Output<string>;

  constructor(name: string, args: PipelineLauncherRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:PipelineLauncherRole", name, {}, opts);
    const role = new projects.IAMCustomRole(
      name,
      {
        roleId: args.roleId,
        title: "Pipeline launcher",
        description: "Starts pipeline jobs and follows them",
        permissions: LAUNCH_PERMISSIONS,
      },
      { parent: this, dependsOn: opts?.dependsOn, deleteBeforeReplace: true },
    );
    this.roleName = role.name;
    this.registerOutputs({ roleName: this.roleName });
  }
}
