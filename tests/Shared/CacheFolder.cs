using System.Runtime.CompilerServices;

namespace StreamingCnn.Testing;

/// <summary>
/// What the library remembers between processes stays beside the tests, and the programs that they start; it is nothing that belongs into
/// the home of who runs them.
/// </summary>
internal static class CacheFolder
{
    [ModuleInitializer]
    internal static void Set() => Environment.SetEnvironmentVariable("XDG_CACHE_HOME", Path.Combine(AppContext.BaseDirectory, "cache"));
}
