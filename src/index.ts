export { type Descriptor, formatPlatform, mediaTypes, type Platform } from './model/descriptor.ts';
export { type Digest, isDigest } from './model/digest.ts';
export { formatImageReference, type ImageReference, parseImageReference } from './model/image-reference.ts';
