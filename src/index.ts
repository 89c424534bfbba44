/** The library: the stories that the commands call, and the port that they stand on. */

export { type FaultCode, faultCodes } from './ground/fault/codes.ts';
export { exitCodes } from './ground/fault/exit-codes.ts';
export { Fault, FaultList } from './ground/fault/fault.ts';
export type {
  BlobPush,
  Call,
  Manifest,
  ManifestPush,
  Pushed,
  Registry,
  TagChange,
} from './image/oci/registry.ts';
export { type Descriptor, formatPlatform, mediaTypes, type Platform } from './model/descriptor.ts';
export { type Digest, isDigest } from './model/digest.ts';
export type { Finding, ScanReport, ScanVerdict } from './model/finding.ts';
export { formatImageReference, type ImageReference, parseImageReference } from './model/image-reference.ts';
export type { Inventory, Package } from './model/inventory.ts';
export { type CopiedImage, type CopyImageOptions, copyImage } from './workflow/copy-image.ts';
export { type Explanation, explainImages } from './workflow/explain-image.ts';
export {
  exitOfVerdict,
  type GatedImages,
  type GateImagesOptions,
  type GateOptions,
  gateImage,
  gateImages,
  type Verdict,
} from './workflow/gate-image.ts';
export { type InspectedImage, type InspectImageOptions, inspectImage } from './workflow/inspect-image.ts';
export { type AdvisoryStatus, importAdvisories, showAdvisories } from './workflow/keep-advisories.ts';
export {
  type ListContents,
  listContents,
  readSbom,
  writeCycloneDx,
  writeSpdx,
} from './workflow/list-contents.ts';
export { type LoggedIn, type LogInOptions, logIn } from './workflow/log-in.ts';
export { type LoggedOut, type LogOutOptions, logOut } from './workflow/log-out.ts';
export {
  type ScanImage,
  type ScannedImage,
  scanActions,
  scanImage,
  writeCosignVuln,
  writeSarif,
} from './workflow/scan-image.ts';
export { type ScanManifest, scanManifest } from './workflow/scan-manifest.ts';
export { type ServeRegistryRequest, serveRegistry } from './workflow/serve-registry.ts';
export { updateAdvisories } from './workflow/update-advisories.ts';
