/** The Google APIs that the lab's project needs; everything else depends on this component. */
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";

export interface ProjectServicesArgs {
  /** API names without the domain: `dataproc` for dataproc.googleapis.com. */
  services: readonly string[];
}

/** Enables services and leaves them enabled on destroy, since other work in the project may have come to need them. */
export class ProjectServices extends pulumi.ComponentResource {
  readonly services: Record<string, gcp.projects.Service> = {};

  constructor(name: string, args: ProjectServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:ProjectServices", name, {}, opts);
    for (const service of args.services) {
      this.services[service] = new gcp.projects.Service(
        `${name}-${service}`,
        { service: `${service}.googleapis.com`, disableOnDestroy: false },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}
