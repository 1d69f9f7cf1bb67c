using CsCheck;
using StreamingCnn.Geometry;

namespace StreamingCnn.Tests.Geometry;

public class DivisionTests
{
    [Fact]
    public void Floor_and_ceiling_enclose_the_quotient() => Gen.Select(Gen.Long[-1000, 1000], Gen.Long[1, 50]).Sample(
        (dividend, divisor) =>
        {
            long floor = Division.Floor(dividend, divisor), ceiling = Division.Ceiling(dividend, divisor);
            Assert.True(floor * divisor <= dividend && (floor + 1) * divisor > dividend);
            Assert.True(ceiling * divisor >= dividend && (ceiling - 1) * divisor < dividend);
        },
        threads: 1);
}
