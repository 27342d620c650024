"""Raw wearable recordings in, 30-second sleep stages and sleep architecture out."""
