"""The built-in games. Each is a pure `Game`; `selfplay_envs.registration` gives them their ids."""
