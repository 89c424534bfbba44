import { Fault } from '../../../ground/fault/fault.ts';

export function notWritable(place: string): Fault {
  return new Fault('UNSUPPORTED', {
    what: `${place} can only be read`,
    where: place,
    next: 'copy to a layout folder (oci:PATH) and pack that with tar',
  });
}
