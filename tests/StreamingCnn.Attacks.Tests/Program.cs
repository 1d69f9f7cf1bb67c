using StreamingCnn.Attacks.Tests.Running;

namespace StreamingCnn.Attacks.Tests;

/// <summary>The tests, or, where the first argument says so, the process that they give damaged files to.</summary>
internal static class Program
{
    public static int Main(string[] arguments) => arguments is [Worker.Name, .. var rest]
        ? Worker.Run(rest)
        : Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(arguments).GetAwaiter().GetResult();
}
