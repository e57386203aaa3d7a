/**
 * Google Cloud Storage, JSON API v1: buckets, objects, media. Every method has behaviour of its own, because its rules
 * (generations, preconditions, media, merge patches) are older than the generic ones of Google's newer APIs.
 */
import type { Cloud } from "../../cloud";
import type { Behaviour, Service, Undescribed } from "../../service";
import { getBucketPolicy, setBucketPolicy, testBucketPermissions } from "./bucket-iam";
import {
  deleteBucket,
  getBucket,
  insertBucket,
  listBuckets,
  lockRetentionPolicy,
  patchBucket,
  restoreBucket,
  updateBucket,
} from "./buckets";
import { serveBatch } from "./batch";
import { composeObject, copyObject, moveObject, rewriteObject } from "./copies";
import { one, target } from "./http";
import { listObjects } from "./listing";
import { deleteObject, getObject, patchObject, restoreObject, updateObject } from "./objects-api";
import { requireRead } from "./guard";
import { findBucket } from "./records";
import { recover } from "./recovery";
import { cancelSession, continueSession } from "./resumable";
import { insertObject } from "./uploads";
import { serveXml } from "./xml-api";
import { HANDLED } from "../../service";

export const storage: Service = {
  apis: ["storage.v1"],
  types: [],
  methods: {
    "storage.buckets.insert": insertBucket,
    "storage.buckets.get": getBucket,
    "storage.buckets.list": listBuckets,
    "storage.buckets.patch": patchBucket,
    "storage.buckets.update": updateBucket,
    "storage.buckets.delete": deleteBucket,
    "storage.buckets.restore": restoreBucket,
    "storage.buckets.lockRetentionPolicy": lockRetentionPolicy,
    "storage.buckets.getIamPolicy": getBucketPolicy,
    "storage.buckets.setIamPolicy": setBucketPolicy,
    "storage.buckets.testIamPermissions": testBucketPermissions,
    "storage.buckets.getStorageLayout": storageLayout(),
    "storage.objects.insert": insertOrContinue(),
    "storage.objects.get": getObject,
    "storage.objects.list": listObjects,
    "storage.objects.patch": patchObject,
    "storage.objects.update": updateObject,
    "storage.objects.delete": deleteObject,
    "storage.objects.restore": restoreObject,
    "storage.objects.copy": copyObject,
    "storage.objects.rewrite": rewriteObject,
    "storage.objects.move": moveObject,
    "storage.objects.compose": composeObject,
    // Nothing of these kinds can be made here, so that there is never one to list.
    "storage.anywhereCaches.list": emptyList("storage#anywhereCaches"),
    "storage.notifications.list": emptyList("storage#notifications"),
    "storage.managedFolders.list": emptyList("storage#managedFolders"),
    "storage.projects.serviceAccount.get": async (_call, cloud) => ({
      kind: "storage#serviceAccount",
      email_address: `service-${cloud.project.number}@gs-project-accounts.iam.gserviceaccount.com`,
    }),
  },
  undescribed,
  recover,
};

const UPLOAD = /^\/(?:resumable\/)?upload\/storage\/v1\/b\/[^/]+\/o$/;
const DOWNLOAD = /^\/download\/storage\/v1\/b\/([^/]+)\/o\/(.+)$/;

/** What the description does not list: sessions, the download path, batches, the XML API. */
async function undescribed({ host, principal, http, api }: Undescribed, cloud: Cloud): Promise<boolean> {
  const { path, query } = target(http.request);
  const verb = http.request.method ?? "GET";
  const download = DOWNLOAD.exec(path);
  if (UPLOAD.test(path) && query.upload_id !== undefined && ["PUT", "POST"].includes(verb))
    await continueSession(cloud, query.upload_id, http);
  else if (UPLOAD.test(path) && query.upload_id !== undefined && verb === "DELETE")
    await cancelSession(cloud, query.upload_id, http);
  else if (download) {
    const [bucket, object] = download.slice(1).map(decodeURIComponent);
    await requireRead(principal, bucket!, cloud);
    const call = { methodId: "storage.objects.get", host, principal, http, body: {} };
    await getObject({ ...call, path: { bucket: bucket!, object: object! }, query: { ...query, alt: "media" } }, cloud);
  } else if (path === "/batch/storage/v1" && verb === "POST") await serveBatch(api, { host, principal, http });
  else if (/^\/(?!(?:storage|upload|download|resumable|batch)\/)[a-z0-9][^/]*(?:\/|$)/.test(path))
    await serveXml(cloud, { path, query, principal }, http);
  else return false;
  return true;
}

/** A POST with a session's id goes on with that session. */
function insertOrContinue(): Behaviour {
  return async (call, cloud) => {
    const id = one(call, "upload_id");
    if (id === undefined || !call.http) return insertObject(call, cloud);
    await continueSession(cloud, id, call.http);
    return HANDLED;
  };
}

function emptyList(kind: string): Behaviour {
  return async (call, cloud) => {
    await findBucket(cloud.store, call.path.bucket!);
    return { kind };
  };
}

function storageLayout(): Behaviour {
  return async (call, cloud) => {
    const { name, location, locationType } = await findBucket(cloud.store, call.path.bucket!);
    const layout = { kind: "storage#storageLayout", bucket: name, location: location, locationType: locationType };
    return { ...layout, hierarchicalNamespace: { enabled: false } };
  };
}
