from hypothesis import settings

# A machine under load is no failure.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
