"""Films: frames in and out through ffmpeg, restyled in segments that outlive a kill."""
