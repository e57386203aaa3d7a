/** The two resources of this service as they are stored and answered. Source: docs "Buckets" and "Objects" of the JSON API. */
import type { JsonObject } from "../../service";

export type Bucket = JsonObject & {
  name: string;
  generation: string;
  metageneration: string;
  etag: string;
  location: string;
  locationType: string;
  storageClass: string;
  iamConfiguration: { uniformBucketLevelAccess: UniformAccess; publicAccessPrevention: string };
  softDeletePolicy: { retentionDurationSeconds: string };
  retentionPolicy?: RetentionPolicy;
  versioning?: { enabled?: boolean };
  hardDeleteTime?: string;
};

export type UniformAccess = { enabled?: boolean; lockedTime?: string };
export type RetentionPolicy = { retentionPeriod: string; effectiveTime?: string; isLocked?: boolean };

/** One generation of an object. */
export type Generation = JsonObject & {
  name: string;
  bucket: string;
  generation: string;
  metageneration: string;
  etag: string;
  storageClass: string;
  /** Bytes, as text. */
  size: string;
  crc32c: string;
  md5Hash?: string;
  componentCount?: number;
  timeCreated: string;
  contentType?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  contentDisposition?: string;
  cacheControl?: string;
  customTime?: string;
  metadata?: Record<string, string>;
  temporaryHold?: boolean;
  eventBasedHold?: boolean;
  retentionExpirationTime?: string;
  hardDeleteTime?: string;
};
