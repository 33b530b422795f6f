namespace XLive.Server.Access;

/// <summary>Whether the file back end has a folder of that name: what is published under it would hide its films (contract: the order of meaning).</summary>
public delegate ValueTask<bool> IsFilmFolder(string name);
