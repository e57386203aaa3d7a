/** Cloud Build v1: images of Dockerfiles, built from archives in a bucket. */
import type { Service } from "../../service";
import { Builder, createBuild, getBuild, listBuilds } from "./builds";
import { perCloud } from "../delivery/agenda";

const builderOf = perCloud((cloud) => new Builder(cloud));

export const cloudBuild: Service = {
  apis: ["cloudbuild.v1"],
  types: [],
  // Without a location in its path a build is global.
  methods: Object.fromEntries(
    ["projects", "projects.locations"].flatMap((collection) => [
      [`cloudbuild.${collection}.builds.create`, (call, cloud) => createBuild(call, cloud, builderOf(cloud))],
      [`cloudbuild.${collection}.builds.get`, getBuild],
      [`cloudbuild.${collection}.builds.list`, listBuilds],
    ]),
  ),
  recover: (cloud) => builderOf(cloud).recover(),
  close: (cloud) => builderOf(cloud).close(),
};
