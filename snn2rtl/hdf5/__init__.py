"""Files of HDF5 that anybody may have written, read in a process of its own with limits of time and memory."""
