using StreamingCnn.Cli.Verification;

namespace StreamingCnn.Cli.Tests.Benchmarking;

/// <summary>The system's own words for the peak of resident memory.</summary>
public class PeakMemoryTests
{
    [Theory]
    [InlineData("VmHWM:\t  352878 kB", 352_878)]
    [InlineData("VmHWM:\t 9352878 kB", 9_352_878)]
    [InlineData("VmHWM:\t15352878 kB", 15_352_878)]
    [InlineData("VmHWM:\t115352878 kB", 115_352_878)]
    public void Tens_of_gigabytes_are_read_too(string line, long kibibytes) => Assert.Equal(kibibytes, PeakMemory.Kibibytes(line));
}
