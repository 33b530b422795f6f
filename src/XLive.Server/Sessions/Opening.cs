namespace XLive.Server.Sessions;

/// <summary>What became of a viewer's wish: a session, or a wait for one, or neither where his user has as many devices as he may.</summary>
public readonly record struct Opening(Session? Session, Task<Session?>? Pending);
